// What the chat tutorials build: Socket.IO, one room, every message relayed to it and nothing
// stored. The measure that Landline is held against. Prints {"port":N} when it listens.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
const names = new Map();

io.on("connection", (socket) => {
  socket.on("join room", (name, ack) => {
    names.set(socket.id, name);
    socket.join("general");
    ack?.({ ok: true });
  });
  socket.on("send message", (text, ack) => {
    if (typeof text !== "string" || text.length === 0) return ack?.({ ok: false });
    const message = { user: names.get(socket.id), text, at: Date.now() };
    io.to("general").emit("receive message", message);
    ack?.({ ok: true });
  });
  socket.on("disconnect", () => names.delete(socket.id));
});

http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
