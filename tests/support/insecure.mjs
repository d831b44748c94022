// An agent whose client excludes insecure devices: it neither encrypts to, nor reads from, a device that its owner has not cross-signed.
// One JSON argument in; the last line out is the bot's complete answer.

// The SDK wants a newer Node than 20 for this one function.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const sdk = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
const { OnlySignedDevicesIsolationMode } = await import("matrix-js-sdk/lib/crypto-api/index.js");

logger.setLevel?.("error");
const { url, user, password, bot, question } = JSON.parse(process.argv[2]);
const patience = 90_000;
const key = "org.compagnon.answer";

const identifier = { type: "m.id.user", user };
const session = await sdk.createClient({ baseUrl: url }).loginRequest({ type: "m.login.password", identifier, password });
const client = sdk.createClient({
  baseUrl: url,
  userId: session.user_id,
  deviceId: session.device_id,
  accessToken: session.access_token,
});
await client.initRustCrypto({ useIndexedDB: false });
const crypto = client.getCrypto();
// Who excludes others has to be signed as well.
await crypto.bootstrapCrossSigning({
  authUploadDeviceSigningKeys: (request) => request({ type: "m.login.password", identifier, password }),
});
crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());

let undecryptable = 0;
const answered = Promise.withResolvers();
let asked;
const look = (event) => {
  if (event.getSender() !== bot) return;
  const content = event.getContent();
  const answer = (content["m.new_content"] ?? content)[key];
  if (asked && answer?.question === asked && answer.complete) {
    answered.resolve({ body: (content["m.new_content"] ?? content).body, complete: true });
  }
};
client.on(sdk.MatrixEventEvent.Decrypted, (event) => {
  if (event.getSender() === bot && event.isDecryptionFailure()) undecryptable += 1;
  look(event);
});
client.on(sdk.ClientEvent.Event, look);

const synced = Promise.withResolvers();
client.on(sdk.ClientEvent.Sync, (state) => state === "PREPARED" && synced.resolve());
await client.startClient({ initialSyncLimit: 50 });
await synced.promise;

const { room_id: room } = await client.createRoom({
  preset: sdk.Preset.TrustedPrivateChat,
  is_direct: true,
  invite: [bot],
  initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
});
const joined = Promise.withResolvers();
const isJoined = () => client.getRoom(room)?.getMember(bot)?.membership === "join" && joined.resolve();
client.on(sdk.RoomMemberEvent.Membership, isJoined);
isJoined();
setTimeout(() => {
  console.error("no answer in time");
  process.exit(1);
}, patience);
await joined.promise;
({ event_id: asked } = await client.sendTextMessage(room, question));
for (const event of client.getRoom(room).getLiveTimeline().getEvents()) look(event);
const answer = await answered.promise;
console.log(JSON.stringify({ ...answer, undecryptable }));
process.exit(0);
