import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, it, onTestFinished } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { endOrphans } from '../../src/runtime/local/child-process.ts';
import { identifyProcess } from '../../src/runtime/local/process-identity.ts';
import { startTemporal, type TemporalOptions, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const runServers = join(import.meta.dirname, 'programs', 'run-servers.ts');
const runs = (pid: unknown): boolean => identifyProcess(Number(pid)) !== undefined;

requires('temporal')('a Temporal dev server', () => {
  it('finds its workflows, its address and its UI again after a restart', async () => {
    const stateFolder = tempFolder();
    const first = await start({ stateFolder });
    await startWorkflow(first.address, 'kept');
    expect((await fetch(`${first.uiUrl}/namespaces/estop-agents/workflows`)).status).toBe(200);
    await first.stop();
    expect(runs(first.pid)).toBe(false);

    const second = await start({ stateFolder });
    expect(second).toMatchObject({ address: first.address, uiUrl: first.uiUrl });
    expect(await statusOf(second.address, 'kept')).toBe('RUNNING');
  });

  it('keeps what was started although it was killed, and leaves nobody a look into its files', async () => {
    const stateFolder = tempFolder();
    const first = await start({ stateFolder });
    await startWorkflow(first.address, 'kept');
    for (const file of ['temporal.db', 'temporal.db-wal', 'server.log', 'ports.json']) {
      expect([file, statSync(join(stateFolder, 'temporal', file)).mode & 0o077]).toEqual([file, 0]);
    }
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start({ stateFolder });
    expect(await statusOf(second.address, 'kept')).toBe('RUNNING');
  });

  it('knows the search attributes in both namespaces', async () => {
    const server = await start({ stateFolder: tempFolder(), database: 'memory', ui: false });
    expect(server.uiUrl).toBe('');
    const connection = await Connection.connect({ address: server.address });
    onTestFinished(() => connection.close());
    for (const namespace of ['estop-agents', 'estop-control']) {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      // 2 is Keyword, 3 is Int.
      expect(customAttributes).toMatchObject({
        EstopAgent: 2,
        EstopTask: 2,
        EstopRootTask: 2,
        EstopEpoch: 3,
        EstopState: 2,
        EstopStop: 2,
      });
    }
  });

  it('left over from an estop that was killed is ended, and its data taken over', async () => {
    const stateFolder = tempFolder();
    const parent = startElsewhere(stateFolder);
    const told = await parent.next();
    await startWorkflow(String(told['address']), 'kept');
    await parent.kill('SIGKILL');
    expect(runs(told['pid'])).toBe(true);

    const server = await start({ stateFolder });
    expect(runs(told['pid'])).toBe(false);
    expect(server).toMatchObject({ address: told['address'], uiUrl: told['uiUrl'] });
    expect(await statusOf(server.address, 'kept')).toBe('RUNNING');
  });

  it('is not started a second time on the database of a living one', async () => {
    const stateFolder = tempFolder();
    const told = await startElsewhere(stateFolder).next();
    await expect(startTemporal({ stateFolder, binary: inject('temporalBinary') })).rejects.toThrow(
      `temporal already runs as process ${told['pid']}`,
    );
    expect(runs(told['pid'])).toBe(true);
  });

  it('that does not come up is quoted', async () => {
    await expect(start({ stateFolder: tempFolder(), binary: '/bin/false' })).rejects.toSatisfy(
      (error) => errorCodeOf(error) === 'part-failed' && String(error).includes('temporal ended while starting'),
    );
  });
});

async function start(options: TemporalOptions): Promise<TemporalServer> {
  const server = await startTemporal({ binary: inject('temporalBinary'), ...options });
  onTestFinished(() => server.stop());
  return server;
}

/** A server whose starter is another process, which the test may kill. */
function startElsewhere(stateFolder: string): Program {
  const parent = runProgram(runServers, ['temporal', stateFolder], {
    env: { ...process.env, ESTOP_TEMPORAL_CLI: inject('temporalBinary') },
  });
  onTestFinished(async () => {
    await parent.kill('SIGKILL');
    await endOrphans(stateFolder);
  });
  return parent;
}

async function startWorkflow(address: string, workflowId: string): Promise<void> {
  await withClient(address, (client) => client.workflow.start('unattended', { workflowId, taskQueue: 'nobody' }));
}

function statusOf(address: string, workflowId: string): Promise<string> {
  return withClient(address, async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);
}

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection, namespace: 'estop-agents' }));
  } finally {
    await connection.close();
  }
}
