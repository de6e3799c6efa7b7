import { identity } from "../../identity.js";

export async function GET() {
  return Response.json(await identity());
}
