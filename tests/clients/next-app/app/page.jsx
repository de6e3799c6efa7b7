import { OrganizationSwitcher, UserButton } from "@clerk/nextjs";

import { identity } from "./identity.js";

export const dynamic = "force-dynamic";

export default async function Home() {
  const who = await identity();
  return (
    <main>
      <pre id="server">{JSON.stringify(who)}</pre>
      {who.userId && <UserButton />}
      {who.userId && <OrganizationSwitcher />}
    </main>
  );
}
