// An issuer of tokens that belongs to the test: a key pair, a JWKS endpoint, and tokens of any shape, good or bad.

import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** What Clerk writes into the header's `cat` (`@clerk/backend`, jwtCategories). */
export const CATEGORY = {
  session: "cl_B7d4PD111AAA",
  template: "cl_B7d4PD222AAA",
  machine: "cl_B7d4PD333AAA",
  ignore: "cl_I7d4PD111III",
};

const SIGNATURE_DIGEST = { RS256: "sha256", RS384: "sha384", RS512: "sha512" };

export class Issuer {
  /** The `iss` of its tokens. Nothing listens there: keys come from `jwksUrl`. */
  url = "https://clerk.rowlock.test";
  keyId = "ins_2rowlockTokenAgreement00000";

  #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  #server;

  static async start() {
    const issuer = new Issuer();
    const jwks = JSON.stringify({ keys: [issuer.#jwk()] });
    issuer.#server = createServer((request, response) => {
      response.writeHead(request.url === "/jwks" ? 200 : 404, { "content-type": "application/json" });
      response.end(request.url === "/jwks" ? jwks : "{}");
    });
    issuer.#server.listen(0, "127.0.0.1");
    await once(issuer.#server, "listening");
    issuer.jwksUrl = `http://127.0.0.1:${issuer.#server.address().port}/jwks`;
    return issuer;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** The public key, as `verifyToken` takes it for `jwtKey`. */
  get publicKeyPem() {
    return this.#keys.publicKey.export({ type: "spki", format: "pem" });
  }

  /** Header of a session token. */
  header(changes = {}) {
    return { alg: "RS256", cat: CATEGORY.session, kid: this.keyId, typ: "JWT", ...changes };
  }

  /** Claims of a session token of version 2, one minute from now. `undefined` removes a claim. */
  claims(changes = {}) {
    const now = Math.floor(Date.now() / 1000);
    return {
      azp: "https://app.rowlock.test",
      exp: now + 60,
      fva: [0, -1],
      iat: now,
      iss: this.url,
      jti: "0f1e2d3c4b5a69788796",
      nbf: now - 10,
      sid: "sess_2rowlockTokenAgreement00000",
      sts: "active",
      sub: "user_2rowlockTokenAgreement00000",
      v: 2,
      ...changes,
    };
  }

  /** A token with these changes to a good header and good claims. */
  token(claims = {}, header = {}) {
    return this.sign(JSON.stringify(this.header(header)), JSON.stringify(this.claims(claims)));
  }

  /** Signs any two texts, as the header's `alg` says, with our key or the one given, and in base64url unless told. */
  sign(header, payload, { key = this.#keys.privateKey, encode = base64url } = {}) {
    const message = `${base64url(header)}.${encode(payload)}`;
    const digest = SIGNATURE_DIGEST[JSON.parse(header).alg];
    return `${message}.${sign(digest, Buffer.from(message), key).toString("base64url")}`;
  }

  /** The classic confusion: the public key, which everybody has, as the secret of an HMAC. */
  signWithPublicKey(header, payload) {
    const message = `${base64url(header)}.${base64url(payload)}`;
    return `${message}.${createHmac("sha256", this.publicKeyPem).update(message).digest("base64url")}`;
  }

  #jwk() {
    const { kty, n, e } = this.#keys.publicKey.export({ format: "jwk" });
    return { use: "sig", kty, kid: this.keyId, alg: "RS256", n, e };
  }
}

/** A key that nobody trusts. */
export function strangersKey() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

export function base64url(text) {
  return Buffer.from(text).toString("base64url");
}
