// A webhook endpoint of the test's own: keeps every delivery as it came in, byte for byte.

import { once } from "node:events";
import { createServer } from "node:http";

/** How long to wait for a delivery that should come at once. */
const DELIVERED_WITHIN_MS = 20_000;

export class Receiver {
  #server;
  #deliveries = [];
  #waiting = new Set();

  static async start() {
    const receiver = new Receiver();
    receiver.#server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.writeHead(200).end();
      receiver.#keep({ method: request.method, headers: request.headers, body: Buffer.concat(chunks) });
    });
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    receiver.url = `http://127.0.0.1:${receiver.#server.address().port}/webhooks`;
    return receiver;
  }

  /** The first delivery, past or future, whose parsed event satisfies the predicate. */
  delivery(predicate) {
    return this.#first((delivery) => predicate(JSON.parse(delivery.body)));
  }

  /** A delivery of that message, past or future: the first, or the `count`th. */
  deliveryOf(id, count = 1) {
    const of = (delivery) => delivery.headers["svix-id"] === id;
    return this.#first((delivery) => of(delivery) && this.#deliveries.filter(of).indexOf(delivery) === count - 1);
  }

  async #first(predicate) {
    const found = this.#deliveries.find(predicate);
    if (found) return found;
    return new Promise((resolve, reject) => {
      const waiter = { predicate, resolve };
      this.#waiting.add(waiter);
      const seen = () => this.#deliveries.map((delivery) => JSON.parse(delivery.body).type).join(", ") || "nothing";
      const late = () => {
        this.#waiting.delete(waiter);
        reject(new Error(`no such delivery within ${DELIVERED_WITHIN_MS} ms; received: ${seen()}`));
      };
      waiter.timer = setTimeout(late, DELIVERED_WITHIN_MS);
    });
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #keep(delivery) {
    this.#deliveries.push(delivery);
    for (const waiter of this.#waiting) {
      if (waiter.predicate(delivery)) {
        this.#waiting.delete(waiter);
        clearTimeout(waiter.timer);
        waiter.resolve(delivery);
      }
    }
  }
}
