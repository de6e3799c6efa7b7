import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

// The packages are installed one directory up, beside those of the other client tests.
const root = dirname(dirname(fileURLToPath(import.meta.url)));

export default { turbopack: { root }, poweredByHeader: false };
