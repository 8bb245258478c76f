import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { projectRoot } from './source-tree.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** What the compiler says about the recipe as a connector among the others; empty: nothing. */
function compile(recipe: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'estop-recipe-'));
  folders.push(folder);
  const connectors = join(folder, 'src', 'connectors');
  mkdirSync(join(connectors, 'key-vault'), { recursive: true });
  for (const real of [
    'node_modules',
    'types',
    'src/core',
    'src/contract',
    'src/connectors/kit',
    'tsconfig.base.json',
    'package.json',
  ])
    symlinkSync(join(projectRoot, real), join(folder, real));
  writeFileSync(join(connectors, 'key-vault', 'index.ts'), recipe);
  const compilerOptions = {
    composite: false,
    incremental: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
    rootDir: '/',
    types: ['node'],
  };
  const config = { extends: './tsconfig.base.json', compilerOptions, include: ['src/connectors/key-vault'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  try {
    execFileSync(join(projectRoot, 'node_modules', '.bin', 'tsc'), ['-p', folder], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout); // execFileSync documents stdout on the error it throws
  }
}

describe('the recipe in CONTRIBUTING.md', () => {
  const recipe = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(projectRoot, 'CONTRIBUTING.md'), 'utf8'))?.[1] ?? '';

  it('compiles against the connector kit as it is today', () => {
    expect(recipe).toContain('export const keyVault');
    expect(compile(recipe)).toBe('');
  });

  it('would not compile against a kit that asks for more', () => {
    expect(compile(recipe.replace("  generations: 'own', // every grant has a key of its own\n", ''))).toMatch(
      /generations/,
    );
  });
});
