import { beforeAll, expect, it } from 'vitest';
import { lookOf } from '../../src/core/look-alike.ts';
import { acceptTool, listToolPins, noteTools, type SeenTool, type ToolStandings } from '../../src/store/tool-pins.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addGateway, view } from './gateway.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger, newName } from './ledger.ts';

const seen = (tool: string, definition: string): SeenTool => ({
  tool,
  hash: `hash of ${definition}`,
  definition,
  tier: 'read',
  labels: ['private'],
  because: 'a test',
  look: lookOf(tool),
});
const note = (l: Ledger, serverId: string, ...tools: readonly SeenTool[]): Promise<ToolStandings> =>
  noteTools(l.as('estop_gateway'), serverId, tools);
const states = async (l: Ledger, serverId: string): Promise<readonly string[]> =>
  (await listToolPins(l.as('estop_control'), { serverId })).map(({ state }) => state);

onEveryPostgres('the record of upstream tools', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'of many gateways that each see another definition first, one is believed, and all hear that the tool is not to be called',
    async (l) => {
      const serverId = newName('shop');
      const faces = Array.from({ length: 6 }, (_, index) => seen('buy', `face ${index}`));
      await Promise.all(faces.map((face) => note(l, serverId, face)));
      const all = await states(l, serverId);
      expect(all.filter((state) => state === 'accepted')).toHaveLength(1);
      expect(all.filter((state) => state === 'changed')).toHaveLength(5);
      expect((await note(l, serverId)).byTool.get('buy')).toMatchObject({ changed: true });
    },
    {
      what: 'the lock that orders what they see',
      in: 'estop.note_tools',
      find: /PERFORM 1 FROM estop\.tool_pin_version FOR UPDATE;([\s\S]*?)(INSERT INTO estop\.tool_pins)/,
      put: 'NULL;$1PERFORM pg_sleep(0.4); $2',
      raises: /duplicate key/,
    },
  );

  guarded(
    () => ledger,
    'the version that rides on a renewal rises with a first sight, a change and a decision, and with nothing else',
    async (l) => {
      const serverId = newName('shop');
      const gatewayId = await addGateway(l);
      const version = async (): Promise<number> => (await view(l, gatewayId)).toolsVersion;
      const start = await version();
      expect((await note(l, serverId, seen('buy', 'one'))).version).toBe(start + 1);
      expect((await note(l, serverId, seen('buy', 'one'))).version).toBe(start + 1);
      expect((await note(l, serverId)).version).toBe(start + 1);
      expect((await note(l, serverId, seen('buy', 'two'))).version).toBe(start + 2);
      const acceptance = { serverId, tool: 'buy', hash: seen('buy', 'two').hash, actor: 'olga' };
      expect(await acceptTool(l.as('estop_control'), acceptance)).toBe(true);
      expect(await version()).toBe(start + 3);
      expect(await states(l, serverId)).toEqual(['blocked', 'accepted']);
    },
    {
      what: 'the version after a listing',
      in: 'estop.note_tools',
      find: 'IF news THEN',
      put: 'IF false THEN',
    },
    {
      what: 'the version after a decision',
      in: 'estop.accept_tool',
      find: 'SET version = v.version + 1',
      put: 'SET version = v.version',
    },
  );

  guarded(
    () => ledger,
    'a server that shows another face each time fills no more than its share, and the accepted one stays',
    async (l) => {
      const serverId = newName('shop');
      for (let face = 0; face < 20; face += 1) await note(l, serverId, seen('buy', `face ${face}`));
      const pins = await listToolPins(l.as('estop_control'), { serverId });
      expect(pins).toHaveLength(8);
      expect(pins[0]).toMatchObject({ state: 'accepted', hash: 'hash of face 0' });
      expect(pins.at(-1)).toMatchObject({ state: 'changed', hash: 'hash of face 19' });
    },
    { what: 'the share', in: 'estop.note_tools', find: 'LIMIT 7', put: 'LIMIT 100' },
  );

  guarded(
    () => ledger,
    'a tool whose name could be taken for that of another is not accepted at first sight, and is when a person says so',
    async (l) => {
      const [shop, other] = [newName('shop'), newName('other')];
      const tool = newName('send').replaceAll('-', '_');
      const twin = (tool_: string): string => tool_.replace('send', '5end');
      await note(l, shop, seen(tool, 'one'));
      const standings = await note(l, other, seen(twin(tool), 'two'));
      expect(standings.byTool.size).toBe(0);
      const [pin] = await listToolPins(l.as('estop_control'), { serverId: other });
      expect(pin).toMatchObject({ state: 'changed', resembles: `${shop}/${tool}`, tier: 'read', labels: ['private'] });
      const acceptance = { serverId: other, tool: twin(tool), hash: seen('', 'two').hash, actor: 'olga' };
      await acceptTool(l.as('estop_control'), acceptance);
      expect((await note(l, other)).byTool.get(twin(tool))).toMatchObject({ changed: false, tier: 'read' });
    },
    { what: 'the look', in: 'estop.note_tools', find: 'p.look = seen.look', put: 'false' },
  );

  guarded(
    () => ledger,
    'the same name at two servers, or the same words written another way, is nobody else’s look',
    async (l) => {
      const tool = newName('get').replaceAll('-', '_');
      const byHump = tool.toUpperCase().replaceAll('_', '');
      for (const name of [tool, tool, byHump])
        expect((await note(l, newName('shop'), seen(name, 'one'))).byTool.size).toBe(1);
      const same = newName('shop');
      await note(l, same, seen(tool, 'one'));
      expect((await note(l, same, seen(byHump, 'one'))).byTool.has(byHump)).toBe(false);
    },
    {
      what: 'the same words',
      in: 'estop.note_tools',
      find: 'p.server_id = p_server_id\n              OR',
      put: 'true OR',
    },
    {
      what: 'one server',
      in: 'estop.note_tools',
      find: 'p.server_id = p_server_id\n              OR',
      put: 'false OR',
    },
  );

  it('nobody accepts a definition without a name', async () => {
    const serverId = newName('shop');
    await note(ledger, serverId, seen('buy', 'one'));
    const acceptance = { serverId, tool: 'buy', hash: seen('buy', 'one').hash, actor: '' };
    await expect(acceptTool(ledger.as('estop_control'), acceptance)).rejects.toMatchObject({ code: 'invalid-input' });
  });
});
