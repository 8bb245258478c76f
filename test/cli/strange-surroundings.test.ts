import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { itWhere } from '../kit/requires.ts';
import { shellVariables } from '../kit/shell-variables.ts';
import { type CliRig, mainPath, makeCliRig, type Ran } from './rig.ts';

/** As containers run it: an account that no list of accounts names, and no HOME. */
const nobodyKnows = 54_321;

describe('a stop where the surroundings lack what every shell has', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  function run(words: readonly string[], env: Readonly<Record<string, string>>, uid?: number): Promise<Ran> {
    return new Promise((resolve) => {
      const options = { cwd: '/', env, ...(uid === undefined ? {} : { uid, gid: uid }) };
      execFile(process.execPath, [mainPath, ...words], options, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }
  const scopeOf = async (stopId: string) =>
    rig.ledger.sql('SELECT scope_key, actor FROM estop.stops WHERE stop_id = $1', [stopId]);
  const address = inject('temporalAddress');
  const itHasTemporal = itWhere(address !== '', 'the Temporal CLI, or Go 1.26.4 or newer, for an intake');
  const itAsRoot = itWhere(process.getuid?.() === 0, 'root, to become an account that nobody knows');

  itAsRoot('is latched by an account without a name or a home', async () => {
    const ran = await run(['stop', 'agent', 'billing-bot', '--no-wait'], rig.env, nobodyKnows);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('latched agent:billing-bot') });
    expect(await scopeOf(ran.stdout.trim())).toMatchObject([{ scope_key: 'agent:billing-bot' }]);
  });

  itAsRoot('is latched by it past all of our processes, too, under the number of that account', async () => {
    const env = { ESTOP_ENVIRONMENT: 'test', ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch };
    const ran = await run(['stop', 'agent', 'mail-bot', '--direct', '--no-wait'], env, nobodyKnows);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('latched agent:mail-bot') });
    expect(await scopeOf(ran.stdout.trim())).toEqual([
      { scope_key: 'agent:mail-bot', actor: `direct:uid-${nobodyKnows}` },
    ]);
  });

  it('is latched from a shell full of words for other databases and networks', async () => {
    const ran = await run(['stop', 'agent', 'billing-bot', '--no-wait'], { ...shellVariables, ...rig.env });
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('latched agent:billing-bot') });
    const env = { ...shellVariables, ESTOP_ENVIRONMENT: 'test', ESTOP_DIRECT_URL: rig.ledger.urls.estop_latch };
    const direct = await run(['stop', 'agent', 'mail-bot', '--direct', '--no-wait'], env);
    expect(direct).toMatchObject({ code: 0, stderr: expect.stringContaining('latched agent:mail-bot') });
  });

  itHasTemporal('is accepted by Temporal from there, where no store is reached', async () => {
    const environment = `env${Math.trunc(Math.random() * 1e6)}`;
    const ran = await run(['stop', 'agent', 'billing-bot', '--direct', '--no-wait'], {
      ...shellVariables,
      ESTOP_ENVIRONMENT: environment,
      ESTOP_TEMPORAL_ADDRESS: address,
      ESTOP_DIRECT_URL: 'postgres://x:y@127.0.0.1:1/none',
    });
    expect(ran).toMatchObject({ code: 6, stderr: expect.stringContaining('accepted agent:billing-bot') });
    const connection = await Connection.connect({ address });
    await new Client({ connection, namespace: 'estop-control' }).workflow
      .getHandle(`stop-intake/${environment}`)
      .terminate();
    await connection.close();
  });

  it('is latched from a folder that is no longer there', async () => {
    const gone = mkdtempSync(join(tmpdir(), 'estop-test-'));
    const words = ['stop', 'agent', 'billing-bot', '--no-wait'].join(' ');
    const ran = await new Promise<Ran>((resolve) => {
      const script = `rmdir "$PWD"; exec "$NODE" "$MAIN" ${words}`;
      const env = { ...rig.env, NODE: process.execPath, MAIN: mainPath, PATH: process.env['PATH'] ?? '' };
      execFile('sh', ['-c', script], { cwd: gone, env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
    rmSync(gone, { recursive: true, force: true });
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('latched agent:billing-bot') });
  });
});
