import { beforeAll, expect, it } from 'vitest';
import { beginDrill } from '../../src/store/drills.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { axeFindings } from './browser.ts';
import { type ConsoleRig, startConsole } from './rig.ts';
import { hostile, makeScene, type Scene, sceneConfig } from './scene.ts';

requires('chromium')('secrets, playbooks and backtests in the console', () => {
  let rig: ConsoleRig;
  let scene: Scene;
  beforeAll(async () => {
    rig = await startConsole(sceneConfig());
    scene = await makeScene(rig.control.ledger);
  });

  it('keeps secrets by name: set, rotated and removed without a script, by an admin, and no value ever comes back', async () => {
    const { page } = await rig.open('adam@admin', { javaScriptEnabled: false });
    const seen: string[] = [];
    page.on(
      'response',
      (response) =>
        void response.text().then(
          (text) => seen.push(text),
          () => undefined,
        ),
    );
    await page.goto('/secrets');
    await page.getByText('mail-bot-token is named in estop.yaml and not set').waitFor();
    await page.getByText('Set a new secret').click();
    await page.locator('#set-secret').getByLabel('Value').fill('value-of-the-first ');
    await page.getByRole('button', { name: 'Seal it' }).click();
    await page.getByText('Rotate it').first().click();
    await page.locator('#rotate-mail-bot-token').getByLabel('The new value').fill('value-of-the-second');
    await page.getByRole('button', { name: 'Put it in place' }).first().click();
    await page.getByText('revision 2').first().waitFor();
    const remove = async (typed: string): Promise<void> => {
      await page.goto('/secrets');
      await page.locator('#remove-mail-bot-token summary').click();
      await page.locator('#remove-mail-bot-token').getByLabel(/^Type/).fill(typed);
      await page.locator('#remove-mail-bot-token').getByRole('button').click();
    };
    await remove('mail-token');
    await page.getByText('Type its name').waitFor();
    await remove('mail-bot-token');
    await page.getByText('mail-bot-token is named in estop.yaml and not set').waitFor();
    expect(seen.filter((text) => /value-of-the/.test(text))).toEqual([]);
    const audited = await rig.control.ledger.sql(
      "SELECT kind, actor FROM estop.audit WHERE subject LIKE '%mail-bot-token' ORDER BY seq",
    );
    expect(audited.map((row) => row['actor'])).toEqual(['adam', 'adam', 'adam']);
    expect(JSON.stringify(await rig.control.ledger.sql('SELECT * FROM estop.audit'))).not.toContain('value-of-the');

    const olga = (await rig.open('olga@operator')).page;
    await olga.goto('/secrets');
    expect(await olga.locator('main form').count()).toBe(0);
    const vera = (await rig.open('vera@viewer')).page;
    expect((await vera.goto('/secrets'))?.status()).toBe(403);
    expect(await vera.getByRole('link', { name: 'Secrets' }).count()).toBe(0);
    for (const verb of ['set', 'rotate', 'remove']) {
      const form = { name: 'mail-token', value: 'x', typed: 'mail-token' };
      const refused = await olga.request.post(`/secrets/${verb}`, { form, headers: { origin: rig.url } });
      expect([verb, refused.status()]).toEqual([verb, 403]);
    }
  });

  it('says what a playbook holds back, and by which one a stop would go on: as the command does', async () => {
    const { page } = await rig.open('vera@viewer', { javaScriptEnabled: false });
    await page.goto('/playbooks');
    const phases = page.getByRole('list', { name: 'Phases of billing-by-day' });
    expect((await phases.getByRole('listitem').allInnerTexts()).filter((text) => text.includes('waits'))).toEqual([
      expect.stringContaining('purge-queue waits for a person'),
    ]);
    for (const [scope, follows] of [
      ['agent:billing-bot', 'follows billing-by-day: purge-queue will wait for a person.'],
      ['agent:mail-bot', 'follows none: every phase runs by itself.'],
    ] as const) {
      await page.getByLabel('What is stopped').fill(scope);
      await page.getByRole('button', { name: 'Try it' }).click();
      expect(await page.locator('main [role=status]').innerText()).toContain(follows);
    }
  });

  it('decides recorded runs that are uploaded or pasted, without a script, and takes no more than it says', async () => {
    const scripted = (await rig.open('vera@viewer')).page;
    const { page } = await rig.open('vera@viewer', { javaScriptEnabled: false });
    const run = (name: string, tool: string) =>
      JSON.stringify({ run: name, request: 'Read it', calls: [{ tool, args: { path: hostile }, output: null }] });
    const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await scripted.goto('/policy');
    await scripted.getByRole('link', { name: 'Try a set on recorded runs' }).click();
    await scripted.getByLabel('or pasted here').fill(`${run('reads', 'read_file')}\n${run(hostile, 'delete_account')}`);
    await scripted.getByRole('button', { name: 'Decide them' }).click();
    const rows = scripted.locator('tbody tr');
    expect(await rows.count()).toBe(2);
    // What is held stands first.
    expect(await rows.first().innerText()).toMatch(/ask, call 1|deny, call 1/);
    expect([await rows.last().locator('th').innerText(), await rows.last().innerText()]).toEqual([
      'reads',
      expect.stringContaining('nothing'),
    ]);
    expect(await axeFindings(scripted)).toEqual([]);
    await page.goto('/policy/backtest');
    await page.getByLabel('Runs, a file').setInputFiles(file('runs.jsonl', run('reads', 'read_file')));
    const shipped = Object.entries(rig.control.deps.policies).map(([name, text]) => file(name, text));
    const strict = '@id("none") @deny("None at all.") forbid (principal, action in Action::"tool", resource);';
    await page.getByLabel('Policies to try').setInputFiles([...shipped, file('none.cedar', strict)]);
    await page.getByRole('button', { name: 'Decide them' }).click();
    expect(await page.locator('tbody tr').first().innerText()).toContain('None at all.');
    for (const [name, what, status] of [
      [
        'text that is none',
        { 'runs-file': { name: 'a', mimeType: 'text/plain', buffer: Buffer.from([0xff, 0xfe]) } },
        422,
      ],
      ['nothing', { runs: '' }, 422],
      ['too much', { runs: 'x'.repeat(1_100_000) }, 413],
    ] as const) {
      const answer = await page.request.post('/policy/backtest', { multipart: what, headers: { origin: rig.url } });
      expect([name, answer.status()]).toEqual([name, status]);
    }
    const plain = await page.request.post('/policy/backtest', { form: { runs: '{}' }, headers: { origin: rig.url } });
    expect(plain.status()).toBe(415);
  });

  it('puts a set of policies in force from its files, by an admin, and not over one that nobody looked at', async () => {
    const { page } = await rig.open('adam@admin', { javaScriptEnabled: false });
    const files = (text: string) => [
      ...Object.entries(rig.control.deps.policies).map(([name, shipped]) => ({
        name,
        mimeType: 'text/plain',
        buffer: Buffer.from(shipped),
      })),
      { name: 'team.cedar', mimeType: 'text/plain', buffer: Buffer.from(text) },
    ];
    const team = (sentence: string) =>
      files(
        `@id("team") @deny("${sentence}") forbid (principal, action in Action::"tool", resource) when { context.tier == "code" };`,
      );
    const older = (await rig.open('anna@admin', { javaScriptEnabled: false })).page;
    await older.goto('/policy');
    const put = async (on: typeof page, chosen: ReturnType<typeof files>): Promise<string> => {
      await on.locator('#activate summary').click();
      await on.getByLabel('All its').setInputFiles(chosen);
      await on.locator('#activate').getByLabel('Why').fill('no code at night');
      await on.getByRole('button', { name: 'Check it and put it in force' }).click();
      return on.locator('main').innerText();
    };
    await page.goto('/policy');
    expect(await put(page, files('nonsense'))).toContain('The policies are not valid');
    await page.goto('/policy');
    expect(await put(page, team('Not at night.'))).toMatch(/activation 1[\s\S]*no code at night/);
    expect(await put(older, team('Never.'))).toContain('Somebody else activated policies meanwhile');

    await page.goto('/policy/backtest');
    await page.getByLabel('or pasted here').fill('{"run":"x","request":"y","calls":[]}');
    await page
      .getByLabel('Policies to try')
      .setInputFiles(files('@id("a") @deny("A.") forbid (principal, action == Action::"billing/none", resource);'));
    await page.getByRole('button', { name: 'Decide them' }).click();
    expect(await page.locator('main').innerText()).toMatch(/It (could|cannot) be put in force/);

    const olga = (await rig.open('olga@operator')).page;
    await olga.goto('/policy');
    expect(await olga.locator('main form').count()).toBe(0);
    const refused = await olga.request.post('/policy/activate', {
      multipart: { reason: 'x', after: '1' },
      headers: { origin: rig.url },
    });
    expect(refused.status()).toBe(403);
  });

  it('has a connector drilled by an operator, and says that it is under way', async () => {
    const { page } = await rig.open('olga@operator', { javaScriptEnabled: false });
    await page.goto('/connectors');
    await page.getByText('never: see drills in estop.yaml').waitFor();
    await page.getByRole('button', { name: 'Drill it ledger-db' }).click();
    await page.getByText('under way').waitFor();
    expect(await page.getByRole('button', { name: 'Drill it' }).count()).toBe(0);
    // Among what runs while it goes on, under its own name; once it is over, only for whoever asks.
    const { ledger } = rig.control;
    const [taskId = ''] = (await ledger.sql('SELECT task_id FROM estop.drills')).map((row) => String(row['task_id']));
    await beginDrill(ledger.as('estop_revoker'), taskId);
    const rows = page.locator('#tasks tr', { hasText: 'drill of ledger-db' });
    await page.goto('/');
    expect(await page.locator('h1').innerText()).toBe(`${scene.tasks.length} agents running`);
    expect(await page.locator('#now-head').innerText()).toContain(`${scene.tasks.length} open tasks`);
    expect(await page.locator('#now-list').innerText()).not.toContain('drill');
    await page.locator('#now-head').getByRole('link', { name: 'drill under way at ledger-db' }).click();
    expect(new URL(page.url()).hash).toBe('#connector-ledger-db');
    await page.goto('/tasks');
    expect(await rows.count()).toBe(1);
    await closeTasks(ledger.as('estop_revoker'), [taskId], 'drill');
    await page.goto('/tasks?state=closed');
    expect(await rows.count()).toBe(0);
    await page.getByRole('link', { name: 'Show them too' }).click();
    expect(await rows.count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?state=closed&drills=true');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await rows.count()).toBe(1);
    await page.getByRole('link', { name: 'Leave them out' }).click();
    expect(await rows.count()).toBe(0);
    await page.goto('/connectors');
    await page.getByRole('link', { name: 'All of them at ledger-db' }).click();
    expect(await rows.count()).toBe(1);
    await rows.getByRole('link', { name: 'drill of ledger-db' }).click();
    await page.locator('h1', { hasText: 'Connectors' }).waitFor();
    const vera = (await rig.open('vera@viewer')).page;
    await vera.goto('/connectors');
    expect(await vera.getByRole('button', { name: 'Drill it' }).count()).toBe(0);
    const refused = await vera.request.post('/connectors/ledger-db/drill', { form: {}, headers: { origin: rig.url } });
    expect(refused.status()).toBe(403);
  });
});
