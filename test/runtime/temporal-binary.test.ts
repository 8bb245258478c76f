import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { findTemporalBinary, type TemporalBinaryOptions } from '../../src/runtime/local/temporal-binary.ts';
import { buildTemporal } from '../../src/runtime/local/temporal-build.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';

// A stand-in for the program where the question is only how it is got; the server's own tests use the real one.
const standIn = '#!/bin/sh\necho "temporal version 0.0.0 (stand-in)"\n';
const nobodyListens = 'http://127.0.0.1:9/cli';

describe('the temporal program', () => {
  it('is the one that ESTOP_TEMPORAL_CLI names', async () => {
    const chosen = executable(tempFolder(), 'my-temporal');
    const onPath = executable(tempFolder(), 'temporal');
    expect(await find({ env: { ESTOP_TEMPORAL_CLI: chosen, PATH: dirname(onPath) } })).toBe(chosen);
  });

  it('is never another one when ESTOP_TEMPORAL_CLI names one that does not run', async () => {
    const onPath = executable(tempFolder(), 'temporal');
    const broken = find({ env: { ESTOP_TEMPORAL_CLI: '/no/such/temporal', PATH: dirname(onPath) } });
    await expect(broken).rejects.toThrow(
      'ESTOP_TEMPORAL_CLI names /no/such/temporal, which does not run: correct it or unset it.',
    );
  });

  it('is the one on PATH, if it runs', async () => {
    const broken = executable(tempFolder(), 'temporal', '#!/bin/sh\nexit 1\n');
    const working = executable(tempFolder(), 'temporal');
    expect(await find({ env: { PATH: `${dirname(broken)}:${dirname(working)}` } })).toBe(working);
  });

  it('is never taken from the folder one happens to stand in', async () => {
    const here = tempFolder();
    mkdirSync(join(here, 'bin'));
    executable(join(here, 'bin'), 'temporal');
    const before = process.cwd();
    process.chdir(here);
    onTestFinished(() => process.chdir(before));
    await expect(find({ env: { PATH: 'bin' } })).rejects.toSatisfy((error) => errorCodeOf(error) === 'part-missing');
  });

  it('is downloaded once, and then found in the cache', async () => {
    const vendor = await vendorWith(standIn);
    const cache = tempFolder();
    const lines: string[] = [];
    const options = { env: {}, cache, downloadUrl: vendor.url, onProgress: (line: string) => void lines.push(line) };
    const path = await find(options);
    expect(path.startsWith(cache)).toBe(true);
    expect(await find(options)).toBe(path);
    expect(vendor.asked).toEqual([
      `/cli/v1.8.2?platform=${process.platform}&arch=${process.arch === 'x64' ? 'amd64' : process.arch}&format=tar.gz`,
      '/archive',
    ]);
    expect(lines).toHaveLength(1);
    expect(readdirSync(dirname(path))).toEqual(['temporal']);
  });

  it('that cannot be had in any way is missing, in one sentence', async () => {
    await expect(find({ env: {} })).rejects.toSatisfy((error) => {
      expect(errorCodeOf(error)).toBe('part-missing');
      expect(String(error)).toMatch(
        /looked for in three ways \(no `temporal` on PATH; no download from http:\/\/127\.0\.0\.1:9\/cli \(.+\); no Go toolchain to build it with\): install the Temporal CLI or Go 1\.26\.4, or set ESTOP_TEMPORAL_CLI/,
      );
      return true;
    });
  });

  it('is asked for again at once where it could not be had: whoever was offline may be back', async () => {
    const cache = tempFolder();
    await expect(find({ env: {}, cache })).rejects.toThrow('no download from');
    const vendor = await vendorWith(standIn);
    expect(await find({ env: {}, cache, downloadUrl: vendor.url })).toContain(cache);
  });

  it('that cannot be kept is missing, with the folder that cannot be written', async () => {
    const vendor = await vendorWith(standIn);
    const missing = find({ env: {}, cache: '/dev/null/cache', downloadUrl: vendor.url });
    await expect(missing).rejects.toSatisfy((error) => errorCodeOf(error) === 'part-missing');
    await expect(missing).rejects.toThrow('nothing can be kept in /dev/null/cache');
  });

  it.each([
    [
      'an archive that comes by a weaker way',
      (): Answer => ({ archiveUrl: 'ftp://127.0.0.1/archive' }),
      'its archive would come by ftp:',
    ],
    [
      'a file outside of the folder',
      (): Answer => ({ fileToExtract: '../../temporal' }),
      'its archive names a strange file',
    ],
    ['something else', (): Answer => ({ archiveUrl: undefined }), 'its answer names no archive'],
  ])('is not taken from a vendor that names %s', async (_what, answer, reason) => {
    const vendor = await vendorWith(standIn, answer());
    await expect(find({ env: {}, downloadUrl: vendor.url })).rejects.toThrow(reason);
  });

  it('that was downloaded but does not run here is not used', async () => {
    const vendor = await vendorWith('#!/bin/sh\nexit 1\n');
    await expect(find({ env: {}, downloadUrl: vendor.url })).rejects.toThrow('temporal does not run');
  });
});

requires('go')('the temporal program built from source', () => {
  it('is built, and moved into place whole, by two builders at once', async () => {
    const target = join(tempFolder(), 'temporal-1', 'temporal');
    const lines: string[] = [];
    const build = () =>
      buildTemporal({
        version: '7.7.7',
        target,
        toolsFolder: tinyModule(''),
        env: process.env,
        onProgress: (line) => void lines.push(line),
      });
    expect(await Promise.all([build(), build()])).toEqual([{ path: target }, { path: target }]);
    expect(execFileSync(target, { encoding: 'utf8' })).toBe('temporal version 7.7.7\n');
    expect(lines).toHaveLength(2);
    expect(readdirSync(dirname(target))).toEqual(['temporal']);
  });

  it('is not in its place before it is whole', async () => {
    const target = join(tempFolder(), 'temporal');
    const go = execFileSync('sh', ['-c', 'command -v go'], { encoding: 'utf8' }).trim();
    const watching = executable(
      tempFolder(),
      'go',
      `#!/bin/sh\n${go} "$@"\nstatus=$?\n[ ! -e ${target} ] || exit 1\nexit $status\n`,
    );
    const env = { ...process.env, PATH: `${dirname(watching)}:${process.env['PATH']}` };
    expect(
      await buildTemporal({ version: '7.7.7', target, toolsFolder: tinyModule(''), env, onProgress: () => undefined }),
    ).toEqual({ path: target });
  });

  it('that does not compile is reported with the compiler’s words', async () => {
    const target = join(tempFolder(), 'temporal');
    const built = await buildTemporal({
      version: '7.7.7',
      target,
      toolsFolder: tinyModule('undefinedFunction()'),
      env: process.env,
      onProgress: () => undefined,
    });
    expect(built).toEqual({ tried: expect.stringMatching(/^go build failed \(.*undefinedFunction.*\)$/) });
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  it('needs a Go that is new enough', async () => {
    const module = tinyModule('');
    writeFileSync(join(module, 'go.mod'), 'module github.com/temporalio/cli\n\ngo 1.999.0\n');
    const env = { ...process.env, GOTOOLCHAIN: 'local' };
    const built = await buildTemporal({
      version: '7.7.7',
      target: join(tempFolder(), 'temporal'),
      toolsFolder: module,
      env,
      onProgress: () => undefined,
    });
    expect(built).toEqual({ tried: expect.stringContaining('the Go toolchain is too old to build it') });
  });
});

function find(options: TemporalBinaryOptions): Promise<string> {
  return findTemporalBinary({ cache: tempFolder(), downloadUrl: nobodyListens, ...options, env: { ...options.env } });
}

function executable(folder: string, name: string, script = standIn): string {
  const path = join(folder, name);
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

type Answer = Record<string, unknown>;

/** An HTTP server that answers as the vendor's does. */
async function vendorWith(
  script: string,
  answer: Answer = {},
): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const archive = execFileSync('tar', [
    '-czf',
    '-',
    '-C',
    dirname(executable(tempFolder(), 'temporal', script)),
    'temporal',
  ]);
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/archive') return void response.end(archive);
    response.end(
      JSON.stringify({ archiveUrl: `http://${request.headers.host}/archive`, fileToExtract: 'temporal', ...answer }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/cli`, asked };
}

/** A Go module with a program of the same name and version stamp as Temporal's: the real one takes minutes. */
function tinyModule(statement: string): string {
  const folder = tempFolder();
  const program = join(folder, 'cmd', 'temporal');
  const stamped = join(folder, 'internal', 'temporalcli');
  for (const path of [program, stamped]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, 'go.mod'), 'module github.com/temporalio/cli\n\ngo 1.21\n');
  writeFileSync(join(stamped, 'version.go'), 'package temporalcli\n\nvar Version = "unstamped"\n');
  const lines = [
    'package main',
    'import (',
    '"fmt"',
    '"github.com/temporalio/cli/internal/temporalcli"',
    ')',
    'func main() {',
    statement,
    'fmt.Println("temporal version " + temporalcli.Version)',
    '}',
    '',
  ];
  writeFileSync(join(program, 'main.go'), lines.join('\n'));
  return folder;
}
