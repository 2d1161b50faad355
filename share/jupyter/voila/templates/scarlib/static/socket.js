// The page's line to its kernel: a socket that is open before Jupyter's client is there, which then takes it over.
const kernel = (() => {
  const PROTOCOL = "v1.kernel.websocket.jupyter.org";
  const PATIENCE = 20_000; // ms without an answer, after which the line counts as lost
  const TOGETHER = 1000; // ms for which what follows from one change is held back at most
  const OWN = "first-view"; // how the page's own messages are named
  const session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const report = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  // A frame is the number of its parts, the place of each, and the parts: channel, header, parent header, metadata, content.
  const frame = (header, content) => {
    const pieces = ["shell", ...[header, {}, {}, content].map((piece) => JSON.stringify(piece))].map((piece) => new TextEncoder().encode(piece));
    const places = [8 * (pieces.length + 2)];
    for (const piece of pieces) places.push(places.at(-1) + piece.length);
    const whole = new Uint8Array(places.at(-1));
    const numbers = new DataView(whole.buffer);
    [places.length, ...places].forEach((number, i) => numbers.setBigUint64(8 * i, BigInt(number), true));
    pieces.forEach((piece, i) => whole.set(piece, places[i]));
    return whole.buffer;
  };
  const read = (data) => {
    const numbers = new DataView(data);
    const place = (i) => Number(numbers.getBigUint64(8 * (i + 1), true));
    const piece = (i) => JSON.parse(new TextDecoder().decode(data.slice(place(i), place(i + 1))));
    return { header: piece(1), parent: piece(2), content: () => piece(4) };
  };

  let first; // the socket that the page has opened itself
  let handed = false;
  // A change that was on its way when the connection broke has had no answer, and its control waits for one for ever.
  const waitingFor = new Set();

  class Line extends WebSocket {
    constructor(address, ...rest) {
      if (first && !handed && first.readyState <= WebSocket.OPEN) {
        handed = true;
        if (first.readyState === WebSocket.OPEN) setTimeout(() => first.onopen?.(new Event("open")));
        return first;
      }
      // By the same name again, what was said meanwhile is kept for it.
      super(String(address).replace(/session_id=[^&]*/, `session_id=${session}`), ...rest);
      this.binaryType = "arraybuffer";
      this.over = false;
      this.held = [];
      this.addEventListener("open", () => this.goOn());
      this.addEventListener("close", ({ code, reason }) => {
        // Of what the page said itself, no control waits to hear.
        for (const id of waitingFor) if (id.startsWith(OWN)) waitingFor.delete(id);
        report("line-lost", code === 1009 ? reason : "");
      });
      this.addEventListener("message", (event) => this.hold(event, read(event.data)));
    }
    set onmessage(then) { this.client = then; }
    // What follows from one change is handed on in one go: the page is laid out once, and never shows a part that follows
    // beside one that does not yet. New parts come one by one.
    hold(event, message) {
      this.held.push([event, message]);
      const { header: { msg_type }, content } = message;
      if (msg_type === "comm_open" || (msg_type === "status" && content().execution_state !== "busy")) this.handOn();
      else if (this.held.length === 1) this.timer = setTimeout(() => this.handOn(), TOGETHER);
    }
    handOn() {
      clearTimeout(this.timer);
      for (const [event, message] of this.held.splice(0)) {
        this.hear(message);
        this.client?.(event);
      }
    }
    send(data) {
      super.send(data);
      const { msg_type, msg_id } = read(data).header;
      if (msg_type !== "comm_msg") return;
      waitingFor.add(msg_id);
      const check = () => {
        if (this.bufferedAmount) setTimeout(check, PATIENCE); // a large file goes out slowly
        else if (waitingFor.has(msg_id)) report("line-lost", "No answer has come.");
      };
      setTimeout(check, PATIENCE);
    }
    hear({ header, parent, content }) {
      if (header.msg_type === "status") {
        const state = content().execution_state;
        if (state === "idle") {
          waitingFor.delete(parent.msg_id);
          this.goOn();
        } else if (["restarting", "autorestarting", "dead"].includes(state)) {
          this.over = true;
          report("line-lost", "");
        }
      } else if (header.msg_type === "comm_msg" && document.querySelector(".first-view")) {
        const { comm_id, data } = content();
        if (data.method === "update") report("kernel-said", { model: comm_id, state: data.state });
      }
    }
    goOn() {
      if (!this.over && !waitingFor.size) report("line-back");
    }
  }
  window.WebSocket = Line;

  const before = []; // what was said before the socket was open
  let said = 0;
  return {
    connect() {
      const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
      const address = new URL(`${baseUrl}api/kernels/${kernelId}/channels?session_id=${session}`, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      first = new Line(address, [PROTOCOL]);
      first.addEventListener("open", () => before.splice(0).forEach((told) => first.send(told)));
    },
    tell(model, data) {
      const id = `${OWN}-${session}-${++said}`;
      const header = { msg_id: id, msg_type: "comm_msg", session, username: "", date: new Date().toISOString(), version: "5.2" };
      const told = frame(header, { comm_id: model, data });
      if (first?.readyState === WebSocket.OPEN) first.send(told);
      else before.push(told);
    },
    waiting: () => waitingFor.size > 0,
    // Whether Jupyter's client has the socket: it asks for the state of all widgets first.
    handed: () => handed,
  };
})();
