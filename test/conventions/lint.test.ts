import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from './source-tree.ts';

/** One planted file per rule that the house relies on, and the rule that must find it. */
const planted: readonly { readonly path: string; readonly text: string; readonly rule: string }[] = [
  { path: 'src/core/clock.ts', text: 'export const at = Date.now();', rule: 'no-restricted-properties' },
  { path: 'src/core/dice.ts', text: 'export const roll = Math.random();', rule: 'no-restricted-properties' },
  {
    path: 'src/core/disk.ts',
    text: `import { readFileSync } from 'node:fs';\nexport { readFileSync };`,
    rule: 'no-restricted-imports',
  },
  { path: 'src/contract/rows.ts', text: `import pg from 'pg';\nexport { pg };`, rule: 'no-restricted-imports' },
  { path: 'src/workflows/words.ts', text: `import { z } from 'zod';\nexport { z };`, rule: 'no-restricted-imports' },
  {
    path: 'src/connectors/oauth/call.ts',
    text: `import { request } from 'node:https';\nexport { request };`,
    rule: 'no-restricted-imports',
  },
  {
    path: 'src/connectors/oauth/get.ts',
    text: `export const get = () => fetch('https://example.org');`,
    rule: 'no-restricted-globals',
  },
  { path: 'src/gateway/any.ts', text: 'export const a = (b: any) => b;', rule: 'no-explicit-any' },
  { path: 'src/gateway/default.ts', text: 'export default 1;', rule: 'no-default-export' },
  {
    path: 'src/gateway/floating.ts',
    text: 'export const go = () => {\n  Promise.resolve(1);\n};',
    rule: 'no-floating-promises',
  },
  {
    path: 'src/gateway/switch.ts',
    text: `export function f(kind: 'a' | 'b') {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}`,
    rule: 'switch-exhaustiveness-check',
  },
  { path: 'src/gateway/thrown.ts', text: `export const f = () => {\n  throw 'text';\n};`, rule: 'no-throw-literal' },
  {
    path: 'test/focus.test.ts',
    text: `import { it } from 'vitest';\nit.only('x', () => {});`,
    rule: 'no-focused-tests',
  },
  { path: 'src/core/one.ts', text: `import { two } from './two.ts';\nexport const one = () => two;`, rule: 'no-cycle' },
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

describe('the linter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'estop-lint-'));
  let found: readonly Diagnostic[] = [];

  beforeAll(() => {
    cpSync(join(projectRoot, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, '.gitignore'), 'node_modules\n');
    const options = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom'],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, include: ['src', 'test'] }),
    );
    const files = [
      ...planted,
      { path: 'src/core/two.ts', text: `import { one } from './one.ts';\nexport const two = () => one;` },
    ];
    for (const { path, text } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${text}\n`);
    }
    found = lint(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(planted)('$rule finds what was planted in $path', ({ path, rule }) => {
    const codes = found.filter((one) => one.filename.endsWith(path)).map((one) => one.code);
    expect(codes.some((code) => code.includes(`(${rule})`))).toBe(true);
  });
});

/** oxlint exits 1 when it finds something, which is what is wanted here; its answer is on stdout either way. */
function lint(folder: string): readonly Diagnostic[] {
  const oxlint = join(projectRoot, 'node_modules', '.bin', 'oxlint');
  let output: string;
  try {
    output = execFileSync(oxlint, ['--format=json'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  } catch (error) {
    output = String((error as { stdout?: unknown }).stdout); // execFileSync documents stdout on the error it throws
  }
  return (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics; // oxlint's documented JSON
}
