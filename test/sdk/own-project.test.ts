import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const run = promisify(execFile);

/** As `npm install <the folder of estop>` leaves it. */
describe('a service with a project of its own', () => {
  const folder = tempFolder();
  beforeAll(() => {
    mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
    symlinkSync(packageRoot, join(folder, 'node_modules', 'estop'));
    symlinkSync(join(packageRoot, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(folder, 'main.ts'),
      `import { createEstop, type ErrorCode, type Estop, EstopError } from 'estop';
       const estop: Estop = createEstop({ controlUrl: 'http://127.0.0.1:9', stopUrl: 'http://127.0.0.1:9', token: 'estop_dev_x' });
       const code: ErrorCode | undefined = await estop.tasks
         .start({ agentId: 'billing-bot', prompt: 'Pay.' })
         .then(() => undefined, (thrown: unknown) => (thrown instanceof EstopError ? thrown.code : undefined));
       console.log(code);\n`,
    );
  });

  it('imports the SDK by its name', async () => {
    expect((await run(process.execPath, ['main.ts'], { cwd: folder })).stdout).toBe('unreachable\n');
  });

  it('is checked against its types', async () => {
    const compiler = join(packageRoot, 'node_modules', '.bin', 'tsc');
    const options = ['--noEmit', '--strict', '--target', 'esnext', '--module', 'nodenext', '--types', 'node'];
    await run(process.execPath, [compiler, ...options, 'main.ts'], { cwd: folder });
    writeFileSync(join(folder, 'wrong.ts'), `import { createEstop } from 'estop';\ncreateEstop({ token: 4711 });\n`);
    const wrong = run(process.execPath, [compiler, ...options, 'wrong.ts'], { cwd: folder });
    await expect(wrong).rejects.toMatchObject({ stdout: expect.stringContaining("'number' is not assignable") });
  });
});
