/** `npm run docs` */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedDocs } from './generated-docs.ts';
import { projectRoot } from './source-tree.ts';

for (const { path, render } of generatedDocs) {
  const file = join(projectRoot, path);
  const today = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = render(today);
  if (text === today) continue;
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
