// What the chat tutorials build: Socket.IO, rooms, every message relayed to its room and nothing
// stored. The measure that Landline is held against. Prints {"port":N} when it listens.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
const people = new Map();

io.on("connection", (socket) => {
  socket.on("join room", ({ name, room }, ack) => {
    people.set(socket.id, { name, room });
    socket.join(room);
    ack?.({ ok: true });
  });
  socket.on("send message", (text, ack) => {
    const person = people.get(socket.id);
    if (!person || typeof text !== "string" || text.length === 0) return ack?.({ ok: false });
    const message = { user: person.name, text, at: Date.now() };
    io.to(person.room).emit("receive message", message);
    ack?.({ ok: true });
  });
  socket.on("disconnect", () => people.delete(socket.id));
});

http.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
