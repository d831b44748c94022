// A person whose client is the SDK of Element, with its cryptography: writes what Element writes, one step after the other, each in an
// encrypted room, and reports what the bot answered to it.
//
// One JSON argument in. Each line out is a step's outcome, the last one the list of all:
// {"url", "user", "password", "bot", "name" (the bot's, as in a pill), "colleague", "room" (an encrypted room with the bot and
// the colleague, who writes there once this person has joined)}
//
// With "document" {"name", "type", "bytes" (in hexadecimal), "questions"}, that file is dropped and asked about, and nothing else is done.

// The SDK wants a newer Node than 20 for this one function.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const { webcrypto } = await import("node:crypto");
const sdk = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
const { PollStartEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollStartEvent.js");
const { M_POLL_KIND_DISCLOSED } = await import("matrix-js-sdk/lib/@types/polls.js");
const { makeLocationContent } = await import("matrix-js-sdk/lib/content-helpers.js");

logger.setLevel?.("error");
const { url, user, password, bot, name, room, colleague, document } = JSON.parse(process.argv[2]);
const key = "org.compagnon.answer";
const patience = 60_000;

const identifier = { type: "m.id.user", user };
const session = await sdk.createClient({ baseUrl: url }).loginRequest({ type: "m.login.password", identifier, password });
const client = sdk.createClient({
  baseUrl: url,
  userId: session.user_id,
  deviceId: session.device_id,
  accessToken: session.access_token,
  verificationMethods: ["m.sas.v1"],
});
await client.initRustCrypto({ useIndexedDB: false });
const crypto = client.getCrypto();
await crypto.bootstrapCrossSigning({
  authUploadDeviceSigningKeys: (request) => request({ type: "m.login.password", identifier, password }),
});

// Everything readable, in the order in which it came, and who waits for more.
const seen = new Map();
const waiting = new Set();
const look = (event) => {
  if (event.isBeingDecrypted() || event.isDecryptionFailure() || event.getType() === "m.room.encrypted") return;
  seen.set(event.getId(), event);
  for (const wake of waiting) wake();
};
client.on(sdk.MatrixEventEvent.Decrypted, look);
client.on(sdk.ClientEvent.Event, look);

const until = (what, found) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(again);
      reject(new Error(`in vain: ${what}`));
    }, patience);
    const again = () => {
      const value = found([...seen.values()]);
      if (value === undefined) return;
      clearTimeout(timer);
      waiting.delete(again);
      resolve(value);
    };
    waiting.add(again);
    again();
  });

const synced = Promise.withResolvers();
client.on(sdk.ClientEvent.Sync, (state) => state === "PREPARED" && synced.resolve());
await client.startClient({ initialSyncLimit: 50, threadSupport: true });
await synced.promise;
await client.joinRoom(room);

/** The end of the bot's answer to an event: its first message with the text of its last edition. */
const answerTo = (question, where = room) =>
  until(`an answer to ${question}`, (events) => {
    const by = (event) => {
      if (event.getSender() !== bot || event.getRoomId() !== where) return false;
      const content = event.getWireType() === undefined ? {} : event.getContent();
      const answer = (content["m.new_content"] ?? content)[key];
      // What is said once to a newcomer is no answer.
      return answer?.question === question && answer.part !== 999;
    };
    const answers = events.filter(by);
    const last = answers.find((event) => {
      const content = event.getContent();
      return (content["m.new_content"] ?? content)[key].complete;
    });
    if (!last) return undefined;
    // The SDK puts an edit's content in the place of the message's.
    const first = answers.find((event) => !event.isRelation("m.replace")) ?? last;
    const content = last.getContent();
    const wire = first.getOriginalContent();
    return {
      event_id: first.getId(),
      body: (content["m.new_content"] ?? content).body,
      msgtype: (content["m.new_content"] ?? content).msgtype,
      sources: (content["m.new_content"] ?? content)[key].sources ?? null,
      relates_to: first.event.content?.["m.relates_to"] ?? first.getWireContent()["m.relates_to"] ?? wire["m.relates_to"] ?? null,
      encrypted: first.isEncrypted(),
    };
  });

const send = async (content, type = "m.room.message", where = room) =>
  (await client.sendEvent(where, type, content)).event_id;
const pill = `<a href="https://matrix.to/#/${bot}">${name}</a>`;

/** A text that mentions the bot, as Element composes it. */
const mention = (text, more = {}) => ({
  msgtype: "m.text",
  body: `${name}: ${text}`,
  format: "org.matrix.custom.html",
  formatted_body: `${pill}: ${text}`,
  "m.mentions": { user_ids: [bot] },
  ...more,
});

/** Encrypts and uploads a file as Element does: AES-CTR, with the hash of what is uploaded. */
const upload = async (bytes) => {
  const secret = await webcrypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(16);
  webcrypto.getRandomValues(iv.subarray(0, 8));
  const sealed = new Uint8Array(await webcrypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, secret, bytes));
  const hash = new Uint8Array(await webcrypto.subtle.digest("SHA-256", sealed));
  const base64 = (array) => Buffer.from(array).toString("base64").replace(/=+$/, "");
  const { content_uri } = await client.uploadContent(sealed, { type: "application/octet-stream", includeFilename: false });
  const jwk = await webcrypto.subtle.exportKey("jwk", secret);
  return { v: "v2", url: content_uri, key: jwk, iv: base64(iv), hashes: { sha256: base64(hash) } };
};

const question = "Comment vous appelez-vous ?";
let outcomes = [];
/** One step: what is sent, and the answer to it. A failure is an outcome too. */
const step = async (what, act) => {
  let outcome;
  try {
    outcome = { what, ...(await act()) };
  } catch (error) {
    outcome = { what, error: String(error?.stack ?? error) };
  }
  outcomes.push(outcome);
  console.log(JSON.stringify(outcome));
};
const ask = async (content, type, where) => {
  const sent = await send(content, type, where);
  return { sent, answer: await answerTo(sent, where) };
};
/** An encrypted room with the bot, which is there when this ends unless it is not waited for. */
const open = async (more = {}, waits = true) => {
  const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };
  const wanted = { preset: sdk.Preset.PrivateChat, invite: [bot], initial_state: [encryption], ...more };
  const { room_id: opened } = await client.createRoom(wanted);
  const there = (found) => found?.hasEncryptionStateEvent() && (!waits || found.getMember(bot)?.membership === "join");
  await until("a new room", () => there(client.getRoom(opened)) || undefined);
  return opened;
};
/** As `ask`, in a room of its own: of a burst of such things the bot speaks once. */
const askApart = async (content, type) => ask(content, type, await open());

await until("the bot", () => client.getRoom(room)?.getMember(bot)?.membership === "join" || undefined);
if (document) {
  await step("a file", async () => {
    const bytes = Buffer.from(document.bytes, "hex");
    const file = await upload(bytes);
    const info = { mimetype: document.type, size: bytes.length };
    const content = { ...mention(""), msgtype: "m.file", filename: document.name, file, info };
    return { said: `[${document.name}]`, ...(await ask(content)) };
  });
  for (const said of document.questions) {
    await step("a question", async () => ({ said, ...(await ask(mention(said))) }));
  }
  console.log(JSON.stringify({ outcomes }));
  process.exit(0);
}

// The colleague's message has to be there.
const said = await until("the colleague's message", (events) =>
  events.find((event) => event.getSender() === colleague && event.getType() === "m.room.message")?.getId(),
);

await step("reply", () =>
  ask(mention("Dans quelle salle ?", { "m.relates_to": { "m.in_reply_to": { event_id: said } } })),
);
await step("mention", () => ask(mention(question)));
await step("rating", async () => {
  const on = outcomes.find((outcome) => outcome.what === "mention").answer.event_id;
  const react = (key, event_id) => send({ "m.relates_to": { rel_type: "m.annotation", event_id, key } }, "m.reaction");
  const sent = await react("👎🏽", on);
  const answer = await answerTo(sent);
  await react("2️⃣", answer.event_id);
  await client.redactEvent(room, sent);
  await react("👍🏿", on);
  return { on, sent, answer };
});
await step("thread", async () => {
  const root = await send({ msgtype: "m.text", body: "Parlons d’autre chose.", "m.mentions": {} });
  const relation = { rel_type: "m.thread", event_id: root, is_falling_back: true, "m.in_reply_to": { event_id: root } };
  return { root, ...(await ask(mention(question, { "m.relates_to": relation }))) };
});
await step("edit", async () => {
  const sent = await send({ msgtype: "m.text", body: question, "m.mentions": {} });
  const content = mention(question);
  await send({
    ...content,
    body: `* ${content.body}`,
    formatted_body: `* ${content.formatted_body}`,
    "m.new_content": content,
    "m.relates_to": { rel_type: "m.replace", event_id: sent },
  });
  return { sent, answer: await answerTo(sent) };
});
await step("caption", async () => {
  const file = await upload(new TextEncoder().encode("no picture at all"));
  const info = { mimetype: "image/png", size: 17, w: 1, h: 1 };
  return ask({ ...mention(question), msgtype: "m.image", filename: "photo.png", file, info });
});
await step("voice", async () => {
  const file = await upload(new TextEncoder().encode("no voice at all"));
  return askApart({
    msgtype: "m.audio",
    body: "Voice message.ogg",
    file,
    info: { duration: 3000, mimetype: "audio/ogg", size: 15 },
    "org.matrix.msc1767.text": "Voice message",
    "org.matrix.msc1767.file": { ...file, name: "Voice message.ogg", mimetype: "audio/ogg", size: 15 },
    "org.matrix.msc1767.audio": { duration: 3000, waveform: [0, 512, 1024] },
    "org.matrix.msc3245.voice": {},
    "m.mentions": { user_ids: [bot] },
  });
});
await step("poll", async () => {
  const poll = PollStartEvent.from("Où déjeuner ?", ["Cantine", "Dehors"], M_POLL_KIND_DISCLOSED).serialize();
  return askApart({ ...poll.content, "m.mentions": { user_ids: [bot] } }, poll.type);
});
await step("sticker", () =>
  askApart(
    {
      body: "un chat",
      url: "mxc://localhost/sticker",
      info: { mimetype: "image/png", w: 64, h: 64 },
      "m.mentions": { user_ids: [bot] },
    },
    "m.sticker",
  ),
);
await step("location", () =>
  askApart({ ...makeLocationContent(undefined, "geo:48.85,2.35", Date.now()), "m.mentions": { user_ids: [bot] } }),
);
await step("emote", () => ask({ ...mention(question), msgtype: "m.emote" }));

const verify = async (begin) => {
  const request = await begin();
  const over = Promise.withResolvers();
  const isOver = () => request.cancellationCode !== null && request.cancellationCode !== undefined && over.resolve();
  request.on("change", isOver);
  isOver();
  const timer = setTimeout(() => over.reject(new Error("in vain: the end of a verification")), patience);
  await over.promise;
  clearTimeout(timer);
  return { sent: request.transactionId, code: request.cancellationCode, by: request.cancellingUserId };
};
await step("verification in the room", async () => {
  await crypto.getUserDeviceInfo([bot], true);
  const over = await verify(() => crypto.requestVerificationDM(bot, room));
  return { ...over, answer: await answerTo(over.sent) };
});
await step("verification of the device", async () => {
  const devices = [...(await crypto.getUserDeviceInfo([bot], true)).get(bot).keys()];
  return { devices, ...(await verify(() => crypto.requestDeviceVerification(bot, devices[0]))) };
});
// As Element does where there is no conversation yet: the request is there before the bot.
await step("verification in a new conversation", async () => {
  const fresh = await open({ preset: sdk.Preset.TrustedPrivateChat, is_direct: true }, false);
  return verify(() => crypto.requestVerificationDM(bot, fresh));
});

const devices = (await crypto.getUserDeviceInfo([bot], true)).get(bot);
const keys = [...devices.values()].map((device) => device.getFingerprint());
console.log(JSON.stringify({ keys, outcomes }));
process.exit(0);
