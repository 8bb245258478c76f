import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { allPages, type Page, proseOf, readPage } from './documents.ts';

/** As the places that show our pages make them of a heading. */
const anchorsOf = (page: Page): readonly string[] =>
  Array.from(proseOf(page).matchAll(/^#{1,6} (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

function deadLinks(page: Page): readonly string[] {
  const targets = [
    ...Array.from(proseOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target),
    ...Array.from(proseOf(page).matchAll(/\b(?:src|href)="([^"]+)"/g), ([, target = '']) => target),
  ];
  return targets
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page.path : posix.normalize(posix.join(posix.dirname(page.path), file));
      if (path.startsWith('..') || (file !== '' && !existsSync(join(packageRoot, path)))) return true;
      return anchor !== undefined && !anchorsOf(file === '' ? page : readPage(path)).includes(anchor);
    });
}

const pages = allPages();

describe('the links of the pages', () => {
  it.each(pages)('of $path lead somewhere', (page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it('a file that is not there, a heading that is not there and a way out of the project are found', () => {
    const text = '# One two\n[a](gone.txt) [b](#one-two) [c](#three) [d](../../etc/passwd) [e](https://example.org)';
    expect(deadLinks({ path: 'docs/README.md', text })).toEqual(['gone.txt', '#three', '../../etc/passwd']);
  });

  it('the index of docs/ names every page in it', () => {
    const index = readPage('docs/README.md').text;
    const missing = readdirSync(join(packageRoot, 'docs')).filter(
      (name) => name.endsWith('.md') && name !== 'README.md' && !index.includes(`](${name})`),
    );
    expect(missing).toEqual([]);
  });

  it('every picture of the pages is there, shown, and small', () => {
    const folder = join(packageRoot, 'docs', 'images');
    const all = pages.map(({ text }) => text).join('\n');
    for (const name of readdirSync(folder)) {
      expect([name, all.includes(`images/${name}`)]).toEqual([name, true]);
      expect(statSync(join(folder, name)).size, name).toBeLessThan(150_000);
    }
  });
});
