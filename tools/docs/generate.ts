import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorsPage } from './errors-page.ts';
import { configJsonSchema } from '../../src/runtime/config/json-schema.ts';

/** Everything under docs/ that is made from code. `npm run docs` writes it; tests fail while it is out of date. */
const pages: Readonly<Record<string, string>> = {
  'estop.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'errors.md': errorsPage(),
};

for (const [name, text] of Object.entries(pages)) {
  writeFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), text);
}
