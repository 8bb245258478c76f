import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { EpochFolder } from '../../src/gateway/fence/epoch-memory.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { order, stop } from '../store/ledger.ts';
import { callTool, makeRig, type Rig, type RunningGateway, until, untilFenced, untilReady } from './rig.ts';

/**
 * Each guard was taken out once; what failed then:
 * - the floor (lease.ts, renewed), reading the folder (recall), or noting what is seen (Fence.advance): the first test;
 * - keeping the higher epoch (save, which removes only lower ones): "two processes".
 */
let rig: Rig;
beforeAll(async () => {
  rig = await makeRig();
});

const why = async (gateway: RunningGateway): Promise<unknown> =>
  ((await (await fetch(`${gateway.url}/readyz`)).json()) as { readonly why?: string }).why;
const events = (): readonly unknown[] => rig.logLines.map(({ fields }) => fields['event']);
const storeId = '11111111-1111-4111-8111-111111111111';
const epochsIn = (folder: string): readonly string[] => readdirSync(folder).map((name) => name.replace(/^.*-/, ''));
const folderOf = (): string => join(tempFolder(), 'gateway');

describe('a store that was restored to an older state', () => {
  it('is refused by a gateway that was restarted meanwhile, until it knows again what the gateway has seen', async () => {
    const stateFolder = join(rig.folder, 'gateway');
    const before = await rig.startGateway({ stateFolder });
    await untilReady(before);
    // The backup.
    await rig.ledger.sql('CREATE TABLE public.backup AS SELECT * FROM estop.stops');
    const task = await rig.startTask();
    const { stopId, epoch } = await stop(rig.ledger, taskKey(task.taskId));
    await untilFenced(rig, stopId);
    await until(() => existsSync(stateFolder) && epochsIn(stateFolder).includes(`${epoch}.json`));
    await before.close();

    await rig.ledger.sql('CREATE TABLE public.lost AS SELECT * FROM estop.stops');
    await rig.ledger.sql('DELETE FROM estop.stops');
    await rig.ledger.sql('INSERT INTO estop.stops SELECT * FROM public.backup');
    const after = await rig.startGateway({ stateFolder });
    await until(async () => (await why(after)) === 'store-restored');
    expect(await callTool(after, await rig.token(task), 'billing__list_invoices', {})).toMatchObject({
      status: 503,
      body: { code: 'store-restored' },
    });
    expect(rig.calls(task)).toEqual([]);
    expect(rig.logLines.map(({ fields }) => fields)).toContainEqual({ event: 'lease.trouble', code: 'store-restored' });
    // One that keeps nothing believes it, and has said so.
    expect(events()).not.toContain('epoch.not-kept');
    const forgetful = await rig.startGateway();
    await untilReady(forgetful);
    expect(events().filter((event) => event === 'epoch.not-kept')).toHaveLength(1);

    await rig.ledger.sql('INSERT INTO estop.stops SELECT * FROM public.lost ON CONFLICT DO NOTHING');
    await untilReady(after);
    expect((await callTool(after, await rig.token(task), 'billing__list_invoices', {})).meta['estop/stopId']).toBe(
      stopId,
    );
  });

  it('is refused as well if it is another store than the one remembered', async () => {
    const stateFolder = folderOf();
    const foreign = new EpochFolder(stateFolder, rig.deps().log);
    foreign.note({ storeId, epoch: 0 });
    await foreign.flush();
    const gateway = await rig.startGateway({ stateFolder });
    await until(async () => (await why(gateway)) === 'store-restored');
  });

  it('is refused also when as many stops were ordered there since as were lost, before and after a restart', async () => {
    const stateFolder = folderOf();
    const gateway = await rig.startGateway({ stateFolder });
    await untilReady(gateway);
    const task = await rig.startTask();
    const lost = await stop(rig.ledger, taskKey(task.taskId));
    await until(() => epochsIn(stateFolder).includes(`${lost.epoch}.json`));
    const since = order(taskKey('another'));
    await rig.ledger.sql('UPDATE estop.stops SET stop_id = $2, scope_key = $3 WHERE stop_id = $1', [
      lost.stopId,
      since.stopId,
      since.scopeKey,
    ]);
    await until(async () => (await why(gateway)) === 'store-restored');
    const call = async (at: RunningGateway) => callTool(at, await rig.token(task), 'billing__list_invoices', {});
    expect(await call(gateway)).toMatchObject({ status: 503, body: { code: 'store-restored' } });
    await gateway.close();
    const restarted = await rig.startGateway({ stateFolder });
    await until(async () => (await why(restarted)) === 'store-restored');
    expect((await call(restarted)).status).toBe(503);
    // And when more were ordered there.
    expect((await stop(rig.ledger, taskKey('a-third'))).epoch).toBeGreaterThan(lost.epoch);
    expect((await call(restarted)).status).toBe(503);
    expect(rig.calls(task)).toEqual([]);
  });
});

describe('what a gateway remembers of its store', () => {
  it('is one file that its owner alone can read, whatever number of epochs went by', async () => {
    const folder = folderOf();
    const memory = new EpochFolder(folder, rig.deps().log);
    for (let epoch = 0; epoch < 20; epoch += 1) memory.note({ storeId, epoch });
    memory.note({ storeId, epoch: 3 });
    await memory.flush();
    const names = readdirSync(folder);
    expect(names).toEqual([`seen-${storeId}-19.json`]);
    expect(statSync(join(folder, names[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(new EpochFolder(folder, rig.deps().log).recalled).toEqual({ storeId, epoch: 19 });
  });

  it('is the higher epoch of two processes that share a folder, in whatever order they write', async () => {
    const folder = folderOf();
    const [one, other] = [new EpochFolder(folder, rig.deps().log), new EpochFolder(folder, rig.deps().log)];
    one.note({ storeId, epoch: 7 });
    await one.flush();
    other.note({ storeId, epoch: 6 });
    await other.flush();
    expect(new EpochFolder(folder, rig.deps().log).recalled).toEqual({ storeId, epoch: 7 });
  });

  it('does not suffer from a write that was cut off', () => {
    const folder = folderOf();
    mkdirSync(folder);
    writeFileSync(join(folder, `seen-${storeId}-5.json`), '');
    writeFileSync(join(folder, `seen-${storeId}-9.json.4711.new`), '{"sto');
    expect(new EpochFolder(folder, rig.deps().log).recalled).toEqual({ storeId, epoch: 5 });
  });

  it('that cannot be written down is said once, and is tried again', async () => {
    const folder = folderOf();
    const memory = new EpochFolder(folder, rig.deps().log);
    const unsaved = (): number => events().filter((event) => event === 'epoch.unsaved').length;
    const before = unsaved();
    const blocked = join(folder, `seen-${storeId}-1.json.${process.pid}.new`);
    mkdirSync(blocked);
    memory.note({ storeId, epoch: 1 });
    await memory.flush();
    memory.note({ storeId, epoch: 1 });
    await memory.flush();
    expect(unsaved()).toBe(before + 1);
    memory.note({ storeId, epoch: 2 });
    await memory.flush();
    expect(new EpochFolder(folder, rig.deps().log).recalled).toEqual({ storeId, epoch: 2 });
  });

  it('is no reason to start when it cannot be trusted: a folder of two stores, or none that can be used', () => {
    const folder = folderOf();
    mkdirSync(folder);
    writeFileSync(join(folder, `seen-${storeId}-5.json`), '');
    writeFileSync(join(folder, `seen-${storeId.replaceAll('1', '2')}-5.json`), '');
    const open = (path: string) => () => new EpochFolder(path, rig.deps().log);
    expect(open(folder)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    expect(open(join(file, 'gateway'))).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});
