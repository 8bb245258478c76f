import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/runtime/config/load-config.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';

const blocksOf = (page: string): readonly string[] =>
  Array.from(
    readFileSync(join(packageRoot, 'docs', page), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g),
    ([, text = '']) => text,
  );

describe.each(['notifications.md', 'playbooks.md'])('every example of estop.yaml in %s', (page) => {
  it.each(blocksOf(page).map((text, index) => [index + 1, text] as const))(
    'number %i is taken as it stands',
    (_nth, text) => {
      const result = parseConfig(text);
      expect(result.ok ? [] : result.faults).toEqual([]);
    },
  );
});
