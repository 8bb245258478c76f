import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type McpDemoServer, startMcpServer } from '../../examples/demo/mcp-server.ts';
import { requires } from '../kit/requires.ts';
import { allPages, type Block, blocksOf, readPage } from './documents.ts';
import { layOut, ofOtherPages } from './other-pages.ts';
import { createIds, type GoingOn, type Ran, sitDown, startDev, type Typist } from './typist.ts';

const isTyped = ({ language, isMarked }: Block): boolean => language === 'sh' && !isMarked;
const linesOf = (blocks: readonly Block[]): readonly string[] => blocks.flatMap(({ text }) => text.split('\n'));

const ofReadme = linesOf(blocksOf(readPage('README.md')).filter(isTyped))
  // What installs, builds, demonstrates and tests is what this test itself stands on, or has a test of its own (test/e2e/demo.test.ts).
  .filter((line) => !line.startsWith('npm '));

const guides = ['agent-developer', 'platform-engineer', 'operator', 'security-reviewer'] as const;
const ofGuide = (name: (typeof guides)[number]): readonly Block[] =>
  blocksOf(readPage(`docs/${name}.md`)).filter(isTyped);

/** Whom the guides speak of, and a tool of which a person must be asked. */
const castOf = (url: string) => ({
  agents: {
    'billing-bot': { labels: { team: 'finance' }, tools: { 'billing/refund_payment': 'ask' } },
    'coder': { tools: {} },
  },
  tools: { billing: { url } },
});

/** Where a person is asked, one answers; where a line goes on, it is left going on and ended at the end. */
const asks = (line: string): boolean =>
  /^estop (?:approve|reset|secret rm|policy activate|policy rollback) /.test(line);
const goesOn = (line: string): boolean => /^estop events\b/.test(line);

let typist: Typist;
let dev: GoingOn;
let tools: McpDemoServer;
const ids = createIds();
const stillGoing: GoingOn[] = [];

async function typed(written: string): Promise<Ran> {
  const line = ids.fillIn(written);
  if (goesOn(line)) {
    stillGoing.push(typist.start(line.replace(/\s*#.*/, '')));
    return { code: 0, output: '' };
  }
  return asks(line) ? typist.typeAndAnswer(line) : typist.type(line);
}

const seen = new Map<string, string>();

/** What went wrong, line by line. The lines of one block may be typed at once: those of stops wait for their proofs side by side. */
async function faultsOf(lines: readonly string[], atOnce = false): Promise<readonly string[]> {
  const faults: string[] = [];
  const judge = (line: string, { code, output }: Ran): void => {
    ids.hear(output);
    seen.set(line.replace(/\s*#.*/, ''), output);
    if (/# refused/.test(line) ? code === 0 || !/stop/.test(output) : code !== 0)
      faults.push(`${line}: exit code ${code}\n${output}`);
  };
  if (atOnce) {
    const ran = await Promise.all(lines.map(typed));
    for (const [index, line] of lines.entries()) judge(line, ran[index] ?? { code: null, output: '' });
  } else for (const line of lines) judge(line, await typed(line));
  return faults;
}

/** A call of which policy wants a person asked, by a session that stays open. */
async function callForApproval(cents: number): Promise<void> {
  const { code, output } = await typist.type('estop task open --agent billing-bot --json 2>/dev/null');
  expect([code, output]).toEqual([0, expect.stringContaining('"token"')]);
  ids.hear(output);
  const { token, gateway } = JSON.parse(output) as { readonly token: string; readonly gateway: string };
  const call = { name: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents } };
  const ask = async (): Promise<string> =>
    (
      await fetch(gateway, {
        method: 'POST',
        headers: {
          'authorization': `Bearer ${token}`,
          'content-type': 'application/json',
          'accept': 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
      })
    ).text();
  // The gateway takes estop.yaml over by itself, and lists the tools then.
  await expect.poll(ask, { timeout: 30_000 }).toContain('needs-approval');
}

requires('temporal')('the pages, typed into a fresh folder', () => {
  beforeAll(async () => {
    typist = sitDown();
    tools = await startMcpServer({ logPath: join(typist.folder, 'tools.log') });
  });
  afterAll(async () => {
    await typist?.leave();
    await tools?.stop();
  }, 60_000);

  it('README: every command does what the comment beside it says, in the order in which they stand', async () => {
    const [first = '', ...rest] = ofReadme;
    dev = await startDev(typist, first.replace(/\s*#.*/, ''));
    expect(await faultsOf(rest)).toEqual([]);
    expect(ofReadme.length).toBeGreaterThan(12);
    expect(seen.get("npx estop stop agent example-bot --reason 'trying it out'")).toMatch(
      /latched[\s\S]*fenced[\s\S]*halted[\s\S]*proved/,
    );
    expect(seen.get('npx estop stop show <stop>')).toContain('trying it out');
    expect(existsSync(join(typist.folder, '.estop', 'connection.json'))).toBe(true);
    // The link opens a page with one button.
    const page = await fetch(/http:\S+/.exec(seen.get('npx estop console') ?? '')?.[0] ?? '');
    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringMatching(/<form method="post"><button>Sign in as/),
    ]);
  }, 180_000);

  it('the other pages: every command that needs no more than one machine does what it says, on agents of which they speak', async () => {
    const config = join(typist.folder, 'estop.yaml');
    const { agents, ...rest } = parse(readFileSync(config, 'utf8')) as { readonly agents: Record<string, object> };
    const cast = castOf(tools.url);
    const like = agents['example-bot'];
    const more = Object.fromEntries(Object.entries(cast.agents).map(([id, own]) => [id, { ...like, ...own }]));
    writeFileSync(config, stringify({ ...rest, tools: cast.tools, agents: { ...agents, ...more } }));
    expect(await typist.type('estop config validate')).toMatchObject({ code: 0 });
    const known = async (): Promise<string> => (await typist.type('estop agents')).output;
    await expect.poll(known, { timeout: 30_000 }).toContain('billing-bot');
    layOut(typist.folder);
    const lines = ofOtherPages();
    expect(await faultsOf(lines)).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
    expect(seen.get('estop policy test --runs runs.jsonl --tools tools.json')).toContain('one');
  }, 180_000);

  it('the guides: every command does what it says, on agents of which they speak', async () => {
    const operator = ofGuide('operator');
    const deciding = operator.filter(({ text }) => text.includes('estop approve '));
    const stopping = operator.filter(({ text }) => text.includes('estop stop fleet'));
    const afterwards = operator.filter((block) => !deciding.includes(block) && !stopping.includes(block));
    expect([deciding.length, stopping.length]).toEqual([1, 1]);
    expect(await faultsOf(linesOf([...ofGuide('agent-developer'), ...ofGuide('platform-engineer')]))).toEqual([]);
    for (const cents of [1_100, 2_200]) await callForApproval(cents);
    expect(await faultsOf(linesOf(deciding))).toEqual([]);
    const approved = [...seen].find(([line]) => line.startsWith('estop approve '))?.[1];
    expect(approved, 'what is riskiest takes a look').toContain('a few seconds after it was shown');
    expect(await faultsOf(linesOf(stopping), true)).toEqual([]);
    expect(await faultsOf(linesOf([...afterwards, ...ofGuide('security-reviewer')]))).toEqual([]);
    for (const going of stillGoing) {
      // It tells what happens from when it has begun to listen: something happens until it has.
      const heard = async (): Promise<string> => {
        await typist.type('estop stop model nobody-has-it --no-wait');
        return going.output();
      };
      await expect.poll(heard, { timeout: 30_000 }).toContain('stop');
      expect(await going.interrupt()).toEqual([null, 'SIGINT']);
    }
  }, 180_000);

  it('what stays out of this says so above itself, with the reason', () => {
    const left = allPages()
      .flatMap(blocksOf)
      .filter(({ language, isMarked }) => language === 'sh' && isMarked)
      .map(({ at, above }) => `${at.replace(/:\d+$/, '')}: ${above}`);
    expect(left).toMatchInlineSnapshot(`
      [
        "README.md: Not run in a test as they stand, because nothing of \`example-bot\` waits for a person and no runs were recorded:",
        "CONTRIBUTING.md: Not run in a test, for want of your system:",
        "docs/deployment.md: Not run in a test, for want of a Docker engine:",
        "docs/operations/README.md: Not run in a test as it stands; \`test/operations/running-system.test.ts\` runs the like of it:",
        "docs/operator.md: Not run in a test as it stands, for want of a person whom an identity provider knows; \`test/control/sign-in/elevation.test.ts\` asks the same:",
      ]
    `);
  });

  it('Ctrl-C ends it, and once more by somebody impatient changes nothing', async () => {
    const ended = dev.interrupt();
    await expect.poll(dev.output, { timeout: 20_000 }).toContain('ending ..');
    void dev.interrupt();
    expect(await ended).toEqual([0, null]);
    expect(dev.output()).toContain('still ending');
  }, 60_000);

  it('Ctrl-C while it starts is answered, and once more ends it at once', async () => {
    const starting = typist.start('estop dev');
    await expect.poll(starting.output, { timeout: 60_000 }).toContain('PostgreSQL 18 on port');
    const ended = starting.interrupt();
    await expect.poll(starting.output, { timeout: 20_000 }).toContain('once more ends it at once');
    void starting.interrupt();
    expect(await ended).toEqual([130, null]);
    expect(starting.output()).not.toContain('estop is up');
  }, 90_000);

  it('a second start finds its data again; a second estop in the same folder, and one of another environment, are told', async () => {
    const stopped = ids.fillIn('estop stop show <stop>');
    const again = await startDev(typist, 'estop dev');
    expect(await typist.type('estop dev')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/already runs in .*: end that one, or give this one a state folder of its own/),
    });
    expect(await typist.type(stopped)).toMatchObject({ code: 0, output: expect.stringContaining('+ proved') });
    // As cleanly as by Ctrl-C: nothing of it is left running.
    expect(await again.hangUp()).toEqual([0, null]);
    const children = join(typist.folder, '.estop', 'children');
    expect(readdirSync(children)).toEqual([]);
    const config = join(typist.folder, 'estop.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace('environment: dev', 'environment: prod'));
    expect(await typist.type('estop dev')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/says environment prod, and .* holds dev: change it back, or give this one/),
    });
  }, 120_000);
});
