"""People with real Matrix clients (matrix-nio, libolm), driven over standard input and output.

Each line in is a request: {"id": 1, "do": "send", …}. Each line out is its answer, {"id": 1, "ok": …} or {"id": 1, "error": "…"}, or
something a person's client saw: {"seen": "event", "person": …, "room": …, "event": …}. One process holds everybody, because what a
client costs is mostly the interpreter.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import sys
from urllib.parse import quote
import uuid

import aiohttp
from nio import AsyncClient, AsyncClientConfig, Event, MegolmEvent, TypingNoticeEvent
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from olm.pk import PkSigning

URL, SECRET, FOLDER = sys.argv[1:4]
PASSWORD = "testbed-password"
# Far more than a test writes: no person's client may have a gap in what it saw.
FILTER = {"room": {"timeline": {"limit": 1000}}, "presence": {"types": []}}

people: dict[str, "Person"] = {}
web: aiohttp.ClientSession
admin_token: str | None = None

# Undecryptable messages are reported as such; nio's complaints about them would only be noise.
logging.disable(logging.CRITICAL)


def say(line: dict) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def good(response):
    """The response, or an exception with the server's reason."""
    if type(response).__name__.endswith("Error"):
        raise RuntimeError(f"{type(response).__name__}: {response.message} ({response.status_code})")
    return response


async def call(method: str, path: str, body: dict | None = None, token: str | None = None) -> dict:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with web.request(method, URL + path, json=body, headers=headers) as response:
        answer = await response.json()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer.get('errcode')} {answer.get('error')}")
        return answer


async def make_account(name: str, password: str, admin: bool = False) -> dict:
    path = "/_synapse/admin/v1/register"
    nonce = (await call("GET", path))["nonce"]
    parts = [nonce, name, password, "admin" if admin else "notadmin"]
    mac = hmac.new(SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
    return await call("POST", path, {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac})


async def exempt(user_id: str) -> None:
    """Lifts the homeserver's limits for one person, so that only the bot is under them."""
    path = f"/_synapse/admin/v1/users/{quote(user_id)}/override_ratelimit"
    await call("POST", path, {"messages_per_second": 0, "burst_count": 0}, admin_token)


class Person:
    def __init__(self, name: str) -> None:
        config = AsyncClientConfig(encryption_enabled=True, max_timeout_retry_wait_time=1, backoff_factor=0.05)
        self.name = name
        self.client = AsyncClient(URL, name, store_path=FOLDER, config=config)
        # Messages whose key has not come yet, and the wake-up of whoever waits for a sync.
        self.locked: dict[str, tuple[str, MegolmEvent]] = {}
        self.synced = asyncio.Condition()

    async def log_in(self, password: str) -> None:
        good(await self.client.login(password, device_name=f"nio of {self.name}"))
        if self.client.should_upload_keys:
            good(await self.client.keys_upload())
        self.client.add_event_callback(self.on_event, Event)
        self.client.add_ephemeral_callback(self.on_typing, TypingNoticeEvent)
        good(await self.client.sync(timeout=0, sync_filter=FILTER, full_state=True))
        self.task = asyncio.create_task(self.keep_syncing())

    async def keep_syncing(self) -> None:
        while True:
            try:
                response = await self.client.sync(timeout=20000, sync_filter=FILTER)
                if type(response).__name__.endswith("Error"):
                    raise RuntimeError(response.message)
                await self.client.run_response_callbacks([response])
                await self.client.send_to_device_messages()
                if self.client.should_upload_keys:
                    await self.client.keys_upload()
                if self.client.should_query_keys:
                    await self.client.keys_query()
                if self.client.should_claim_keys:
                    await self.client.keys_claim(self.client.get_users_for_key_claiming())
            except Exception as error:  # The server may be down: that is what some tests are about.
                say({"seen": "trouble", "person": self.name, "error": f"{type(error).__name__}: {error}"})
                await asyncio.sleep(0.2)
            # A key may come after the message that it opens.
            for room_id, event in list(self.locked.values()):
                self.show(room_id, event)
            async with self.synced:
                self.synced.notify_all()

    async def until(self, condition) -> None:
        async with asyncio.timeout(30):
            async with self.synced:
                await self.synced.wait_for(condition)

    async def on_event(self, room, event) -> None:
        self.show(room.room_id, event)

    async def on_typing(self, room, event) -> None:
        say({"seen": "typing", "person": self.name, "room": room.room_id, "users": event.users})

    def show(self, room_id: str, event) -> None:
        known = event.event_id in self.locked
        encrypted = bool(getattr(event, "decrypted", False))
        device = getattr(event, "sender_key", None)
        if isinstance(event, MegolmEvent):
            encrypted, device = True, event.device_id
            try:
                event = self.client.decrypt_event(event)
            except Exception:
                if known:
                    return
                self.locked[event.event_id] = (room_id, event)
        undecryptable = isinstance(event, MegolmEvent)
        if not undecryptable:
            self.locked.pop(event.event_id, None)
        source = event.source
        shown = {
            "event_id": event.event_id,
            "sender": event.sender,
            "type": source.get("type"),
            "state_key": source.get("state_key"),
            "content": source.get("content", {}),
            "redacts": source.get("redacts") or source.get("content", {}).get("redacts"),
            "encrypted": encrypted,
            "undecryptable": undecryptable,
            "device": device,
        }
        say({"seen": "event", "person": self.name, "room": room_id, "event": shown})


async def do_account(name, password=PASSWORD, exempted=False):
    user_id = (await make_account(name, password))["user_id"]
    if exempted:
        await exempt(user_id)
    return user_id


async def do_login(person, password=PASSWORD):
    newcomer = Person(person)
    await newcomer.log_in(password)
    people[person] = newcomer
    return {"user_id": newcomer.client.user_id, "device_id": newcomer.client.device_id}


async def do_create_room(person, name=None, encrypted=False, invite=(), direct=False, version="10", powers=None):
    who = people[person]
    state = []
    if encrypted:
        state.append({"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}})
    body = {
        "preset": "trusted_private_chat" if direct else "private_chat",
        "is_direct": direct,
        "invite": list(invite),
        "initial_state": state,
        "room_version": version,
    }
    if name:
        body["name"] = name
    if powers:
        # In place of the users' levels that the server would choose, so the maker's must be among them.
        body["power_level_content_override"] = {"users": {who.client.user_id: 100, **powers}}
    room_id = (await call("POST", "/_matrix/client/v3/createRoom", body, who.client.access_token))["room_id"]
    if direct:
        path = f"/_matrix/client/v3/user/{quote(who.client.user_id)}/account_data/m.direct"
        await call("PUT", path, {user: [room_id] for user in invite}, who.client.access_token)
    rooms = who.client.rooms

    def known():
        # The invitations too: the key of a first message is given to those that are known to be invited.
        room = rooms.get(room_id)
        return room and (room.encrypted or not encrypted) and all(user in room.users for user in invite)

    await who.until(known)
    return room_id


async def do_join(person, room):
    who = people[person]
    good(await who.client.join(room))
    await who.until(lambda: room in who.client.rooms)


async def do_invite(person, room, user):
    good(await people[person].client.room_invite(room, user))


async def do_leave(person, room):
    good(await people[person].client.room_leave(room))


async def do_kick(person, room, user):
    good(await people[person].client.room_kick(room, user))


async def do_ban(person, room, user):
    good(await people[person].client.room_ban(room, user))


async def do_unban(person, room, user):
    good(await people[person].client.room_unban(room, user))


async def do_rotate(person, room):
    """The next message is sent under a new key."""
    people[person].client.invalidate_outbound_session(room)


async def do_log_out_everywhere(user, password):
    """Ends all sessions of an account, as its owner would from another device."""
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
    token = (await call("POST", "/_matrix/client/v3/login", login))["access_token"]
    await call("POST", "/_matrix/client/v3/logout/all", {}, token)


async def do_delete_device(user, device):
    """Removes one device of an account, as an administrator of the homeserver."""
    await call("DELETE", f"/_synapse/admin/v2/users/{quote(user)}/devices/{quote(device)}", None, admin_token)


async def do_cross_sign(person, password=PASSWORD):
    """Signs this person's device with new cross-signing keys, as other clients do by themselves."""
    client = people[person].client
    user, device, token = client.user_id, client.device_id, client.access_token
    master, self_signing = (PkSigning(PkSigning.generate_seed()) for _ in range(2))

    def signed(what, pair):
        bare = {key: value for key, value in what.items() if key not in ("signatures", "unsigned")}
        text = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return {**bare, "signatures": {user: {f"ed25519:{pair.public_key}": pair.sign(text)}}}

    def key(usage, pair):
        return {"user_id": user, "usage": [usage], "keys": {f"ed25519:{pair.public_key}": pair.public_key}}

    identifier = {"type": "m.id.user", "user": user}
    keys = {
        "master_key": key("master", master),
        "self_signing_key": signed(key("self_signing", self_signing), master),
        "auth": {"type": "m.login.password", "identifier": identifier, "password": password},
    }
    await call("POST", "/_matrix/client/v3/keys/device_signing/upload", keys, token)
    known = await call("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}}, token)
    own = signed(known["device_keys"][user][device], self_signing)
    done = await call("POST", "/_matrix/client/v3/keys/signatures/upload", {user: {device: own}}, token)
    if done.get("failures"):
        raise RuntimeError(f"the signature was refused: {done['failures']}")


async def do_send(person, room, content, type="m.room.message"):
    client = people[person].client
    # nio asks for devices at its next sync; a first message must not be faster than that.
    if client.olm and client.rooms[room].encrypted and client.should_query_keys:
        good(await client.keys_query())
    return good(await client.room_send(room, type, content, ignore_unverified_devices=True)).event_id


async def do_send_plain(person, room, content, type="m.room.message"):
    """As `send`, in clear even in an encrypted room."""
    who = people[person]
    path = f"/_matrix/client/v3/rooms/{quote(room)}/send/{quote(type)}/plain-{uuid.uuid4()}"
    return (await call("PUT", path, content, who.client.access_token))["event_id"]


async def do_upgrade(person, room, version="11"):
    path = f"/_matrix/client/v3/rooms/{quote(room)}/upgrade"
    return (await call("POST", path, {"new_version": version}, people[person].client.access_token))["replacement_room"]


async def do_kept(person, room):
    """The contents of the room's events as the homeserver keeps them, undecrypted."""
    found, start = {}, ""
    while True:
        path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=1000{start}"
        page = await call("GET", path, None, people[person].client.access_token)
        found |= {event["event_id"]: event["content"] for event in page["chunk"]}
        if "end" not in page:
            return found
        start = f"&from={quote(page['end'])}"


async def do_redact(person, room, event):
    return good(await people[person].client.room_redact(room, event)).event_id


async def do_react(person, room, event, key):
    content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": key}}
    return await do_send_plain(person, room, content, "m.reaction")


async def do_set_power(person, room, user, level):
    path = f"/_matrix/client/v3/rooms/{quote(room)}/state/m.room.power_levels"
    token = people[person].client.access_token
    content = await call("GET", path, None, token)
    content.setdefault("users", {})[user] = level
    await call("PUT", path, content, token)


async def do_set_state(person, room, type, content):
    path = f"/_matrix/client/v3/rooms/{quote(room)}/state/{quote(type)}"
    await call("PUT", path, content, people[person].client.access_token)


async def do_rename(user, password, name):
    """Gives an account another name, as its owner would from another device."""
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
    session = await call("POST", "/_matrix/client/v3/login", login)
    path = f"/_matrix/client/v3/profile/{quote(session['user_id'])}/displayname"
    await call("PUT", path, {"displayname": name}, session["access_token"])


async def do_set_display_name(person, name):
    good(await people[person].client.set_displayname(name))


async def do_download(person, file):
    """The bytes of an encrypted file, in hexadecimal."""
    server, media = file["url"].removeprefix("mxc://").split("/")
    path = f"{URL}/_matrix/client/v1/media/download/{quote(server)}/{quote(media)}"
    headers = {"Authorization": f"Bearer {people[person].client.access_token}"}
    async with web.get(path, headers=headers) as response:
        response.raise_for_status()
        secret = await response.read()
    return decrypt_attachment(secret, file["key"]["k"], file["hashes"]["sha256"], file["iv"]).hex()


async def do_upload(person, content, media_type, encrypt):
    """Uploads bytes (in hexadecimal). Gives the part of a message's content that says where they are, and how they are decrypted."""
    content, keys = bytes.fromhex(content), None
    if encrypt:
        content, keys = encrypt_attachment(content)
        media_type = "application/octet-stream"
    headers = {"Authorization": f"Bearer {people[person].client.access_token}", "Content-Type": media_type}
    async with web.post(f"{URL}/_matrix/media/v3/upload", data=content, headers=headers) as response:
        response.raise_for_status()
        url = (await response.json())["content_uri"]
    return {"file": {**keys, "url": url}} if keys else {"url": url}


async def do_rooms(person):
    """The rooms this person is in or invited to, as the homeserver says at this moment, with the membership."""
    sync = await call("GET", "/_matrix/client/v3/sync?timeout=0", None, people[person].client.access_token)
    return {room: kind for kind in ("join", "invite") for room in sync.get("rooms", {}).get(kind, {})}


async def do_members(person, room):
    path = f"/_matrix/client/v3/rooms/{quote(room)}/members"
    chunk = (await call("GET", path, None, people[person].client.access_token))["chunk"]
    return {event["state_key"]: event["content"]["membership"] for event in chunk}


async def do_rooms_of(user):
    return (await call("GET", f"/_synapse/admin/v1/users/{quote(user)}/joined_rooms", None, admin_token))["total"]


async def do_fill(name, count, invite):
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": PASSWORD}
    token = (await call("POST", "/_matrix/client/v3/login", login))["access_token"]
    encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    room = {"preset": "private_chat", "invite": [invite], "initial_state": [encryption], "name": "Salon"}
    # Few at a time: the homeserver's database takes one writer.
    turn = asyncio.Semaphore(4)

    async def make():
        async with turn:
            await call("POST", "/_matrix/client/v3/createRoom", room, token)

    await asyncio.gather(*(make() for _ in range(count)))


async def do_in_room(room):
    return (await call("GET", f"/_synapse/admin/v1/rooms/{quote(room)}/members", None, admin_token))["members"]


async def serve(line: dict) -> None:
    number, do = line.pop("id"), line.pop("do")
    try:
        say({"id": number, "ok": await globals()[f"do_{do}"](**line)})
    except Exception as error:
        say({"id": number, "error": f"{do}: {type(error).__name__}: {error}"})


async def main() -> None:
    global web, admin_token
    web = aiohttp.ClientSession()
    admin_token = (await make_account("testbed-admin", PASSWORD, admin=True))["access_token"]
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say({"seen": "ready"})
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(serve(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


# Synapse restarts under these clients, so nothing here may end because of it.
asyncio.run(main())
