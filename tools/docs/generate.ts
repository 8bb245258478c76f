import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apiDocument } from '../../src/control/describe-api.ts';
import { configJsonSchema } from '../../src/runtime/config/json-schema.ts';
import { errorsPage } from './errors-page.ts';
import { withRuleTable } from './rule-table.ts';

const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const rulesPath = 'test/model/README.md';

/** Everything that is made from code. `npm run docs` writes it; tests fail while it is out of date. */
const pages: Readonly<Record<string, string>> = {
  'docs/estop.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/openapi.json': `${JSON.stringify(apiDocument(), null, 2)}\n`,
  'docs/errors.md': errorsPage(),
  [rulesPath]: withRuleTable(readFileSync(inProject(rulesPath), 'utf8')),
};

for (const [path, text] of Object.entries(pages)) writeFileSync(inProject(path), text);
