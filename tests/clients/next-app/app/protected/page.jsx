import { identity } from "../identity.js";

export const dynamic = "force-dynamic";

export default async function Protected() {
  return <pre id="server">{JSON.stringify(await identity())}</pre>;
}
