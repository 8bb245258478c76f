import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { EstopError } from '../../core/errors.ts';
import { packageRoot } from '../../runtime/package-root.ts';

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly plain: Buffer;
  /** By the name of the coding, the smallest first. */
  readonly packed: readonly (readonly [coding: 'br' | 'gzip', bytes: Buffer])[];
}

/** In the sources also when the compiled code runs: the compiler copies no stylesheet. */
const folder = join(packageRoot, 'src', 'control', 'console', 'assets');

/** Without what is for readers of the source: whole lines of comment, and indents. Nothing here has a text of several lines. */
const squeeze = (source: string): string =>
  source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:\/\/|\/\*.*\*\/$)/.test(line))
    .join('\n');

/** The name holds the hash of the content, so that a browser may keep it for good and never has an old one. */
function load(name: string, ending: string, type: string): Asset {
  const plain = Buffer.from(squeeze(readFileSync(join(folder, `${name}.${ending}`), 'utf8')));
  const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 12);
  return {
    path: `/assets/${name}-${hash}.${ending}`,
    type,
    plain,
    packed: [
      ['br', brotliCompressSync(plain)],
      ['gzip', gzipSync(plain, { level: 9 })],
    ],
  };
}

const firstSheet = load('first', 'css', 'text/css; charset=utf-8');
const stylesheet = load('console', 'css', 'text/css; charset=utf-8');
const script = load('console', 'js', 'text/javascript; charset=utf-8');
const icon = load('icon', 'svg', 'image/svg+xml');

export const assetPaths = {
  firstSheet: firstSheet.path,
  stylesheet: stylesheet.path,
  script: script.path,
  icon: icon.path,
} as const;

const byPath = new Map([firstSheet, stylesheet, script, icon].map((asset) => [asset.path, asset]));

/** Without a caller: they hold nothing of the installation, and the page that signs people in wears the same clothes. */
export function consoleAssets(app: OpenAPIHono): void {
  // A page of plain text can name no picture, and a browser asks for this one then.
  app.get('/favicon.ico', (context) => context.redirect(assetPaths.icon, 302));
  app.get('/assets/:file', (context) => {
    const asset = byPath.get(context.req.path);
    if (asset === undefined) throw new EstopError('not-found');
    const accepted = new Set((context.req.header('accept-encoding') ?? '').split(',').map((one) => one.trim()));
    const [coding, bytes] = asset.packed.find(([name]) => accepted.has(name)) ?? [undefined, asset.plain];
    return new Response(new Uint8Array(bytes), {
      headers: {
        'content-type': asset.type,
        'cache-control': 'public, max-age=31536000, immutable',
        'vary': 'accept-encoding',
        ...(coding === undefined ? {} : { 'content-encoding': coding }),
      },
    });
  });
}
