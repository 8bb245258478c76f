import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeCacheFolder } from './cache-folder.ts';
import type { Road } from './temporal-binary.ts';

export interface TemporalDownload {
  readonly version: string;
  /** The folder of the target. */
  readonly cache: string;
  readonly target: string;
  readonly baseUrl: string;
  readonly onProgress: (line: string) => void;
}

/** Until the first byte, and between any two: whoever is offline learns it soon, a slow line may take as long as it needs. */
const silenceMs = 10_000;

/**
 * The vendor's own binary, from the address that the Temporal SDKs use for their test servers. It is trusted as far as TLS
 * goes: the vendor publishes no digest there. Whoever wants more sets ESTOP_TEMPORAL_CLI, or lets it be built.
 */
export async function downloadTemporal({
  version,
  cache,
  target,
  baseUrl,
  onProgress,
}: TemporalDownload): Promise<Road> {
  const draft = mkdtempSync(join(makeCacheFolder(cache), 'download-'));
  const silence = new Silence();
  try {
    const archive = await locateArchive(baseUrl, version, silence);
    onProgress(`Downloading Temporal's dev server ${version}, once for this machine ..`);
    await extract(archive, draft, silence);
    renameSync(join(draft, archive.file), target);
    return { path: target };
  } catch (error) {
    return { tried: `no download from ${baseUrl} (${reasonOf(error)})` };
  } finally {
    silence.end();
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Aborts what it watches when nothing was heard for too long. */
class Silence {
  readonly #controller = new AbortController();
  #timer = this.#start();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.end();
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.#controller.abort(new Error(`no answer within ${silenceMs / 1000} s`)), silenceMs);
  }
}

interface Archive {
  readonly url: URL;
  readonly file: string;
}

async function locateArchive(baseUrl: string, version: string, silence: Silence): Promise<Archive> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const query = new URLSearchParams({ platform: process.platform, arch: architecture, format: 'tar.gz' });
  const answer = await get(new URL(`${baseUrl}/v${version}?${query}`), silence);
  const info: unknown = await answer.json();
  if (typeof info !== 'object' || info === null || !('archiveUrl' in info && 'fileToExtract' in info))
    throw new Error('its answer names no archive');
  const url = new URL(String(info.archiveUrl));
  // A program must not come by a weaker way than its address did.
  if (url.protocol !== new URL(baseUrl).protocol) throw new Error(`its archive would come by ${url.protocol}`);
  const file = String(info.fileToExtract);
  if (!/^[\w.-]+$/.test(file)) throw new Error('its archive names a strange file');
  return { url, file };
}

async function extract({ url, file }: Archive, folder: string, silence: Silence): Promise<void> {
  const answer = await get(url, silence);
  if (answer.body === null) throw new Error('its archive is empty');
  const tar = spawn('tar', ['-xzf', '-', '-C', folder, file], { stdio: ['pipe', 'ignore', 'ignore'] });
  const unpacked = new Promise<void>((resolve, reject) => {
    tar.once('error', reject);
    tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))));
  });
  // Both are awaited: when tar refuses, the pipe to it breaks as well.
  const [piped, done] = await Promise.allSettled([
    pipeline(Readable.fromWeb(answer.body), watch(silence), tar.stdin, { signal: silence.signal }),
    unpacked,
  ]);
  if (piped.status === 'rejected') throw piped.reason;
  if (done.status === 'rejected') throw done.reason;
}

function watch(silence: Silence): (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      silence.heard();
      yield chunk;
    }
  };
}

async function get(url: URL, silence: Silence): Promise<Response> {
  const answer = await fetch(url, { signal: silence.signal });
  silence.heard();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  // fetch says only "fetch failed"; the reason is in its cause.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
