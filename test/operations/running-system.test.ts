import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cast } from '../../examples/demo/cast.ts';
import { connectorSystems } from '../../src/connectors/index.ts';
import { agentTaskWorkflowId, namespaces } from '../../src/contract/names.ts';
import { type ProcessName, processNames } from '../../src/runtime/installation/installation.ts';
import { startStage, until } from '../e2e/stage.ts';
import { commandLine, temporalCommandLine } from './command-line.ts';
import { type Figures, scrape, valueOf } from './figures.ts';
import { alerts, dashboardPanels, figuresIn, unknownLabels } from './pages.ts';
import { type SpanCollector, startSpanCollector, wayTo } from './span-collector.ts';

let cast: Cast;
let collector: SpanCollector;
const spanOfCaller = '00f067aa0ba902b7';
beforeAll(async () => {
  collector = await startSpanCollector();
  const envOf = Object.fromEntries(processNames.map((name) => [name, collector.env(name)]));
  cast = await startStage({ envOf });
}, 120_000);
afterAll(async () => {
  await cast?.stop();
  await collector?.stop();
}, 60_000);

const figuresOf = (name: string): Promise<Figures> =>
  scrape(cast.installation.profile.metricsUrls[name] ?? `no figures of ${name}`);
const everyProcess = async (): Promise<readonly Figures[]> =>
  Promise.all(Object.values(cast.installation.profile.metricsUrls).map(scrape));

const estop = (...args: readonly string[]) => commandLine(cast.installation.profilePath, args);

describe('a history in Temporal’s own command line', () => {
  const temporal = (workflowId: string, token: string | undefined): Promise<string> =>
    temporalCommandLine(cast.installation, workflowId, token);

  it('is readable for who may see it, and sealed for everybody else', async () => {
    const { profile } = cast.installation;
    const task = await cast.service.tasks.start({ agentId: 'billing-bot', prompt: 'canary-prompt-6161' });
    const workflowId = agentTaskWorkflowId(task.taskId);
    const isReadable = (text: string): boolean =>
      [...text.matchAll(/"data": ?"([A-Za-z0-9+/=]+)"/g)].some(([, data = '']) =>
        Buffer.from(data, 'base64').toString().includes('canary-prompt-6161'),
      ) || text.includes('canary-prompt-6161');
    const opened = await until('a history', async () => {
      const text = await temporal(workflowId, profile.token).catch(() => '');
      return text === '' ? undefined : text;
    });
    expect(isReadable(opened)).toBe(true);
    expect(isReadable(await temporal(workflowId, undefined))).toBe(false);
    // A service may start tasks and may not read what others wrote into them. Asked as that program asks, which goes on trying for ten seconds.
    const decode = (token: string) =>
      fetch(`${profile.controlUrl}/codec/decode`, {
        method: 'POST',
        headers: {
          'authorization': `Bearer ${token}`,
          'content-type': 'application/json',
          'x-namespace': namespaces.agents,
        },
        body: JSON.stringify({ payloads: [] }),
      });
    expect((await decode(profile.serviceToken)).status).toBe(403);
    expect((await decode(profile.token)).status).toBe(200);
  });
});

describe('estop doctor', () => {
  const doctor = async (): Promise<{
    readonly exitCode: number;
    readonly findings: readonly { part: string; health: string; says: string }[];
  }> => {
    const stdout = (await estop('doctor', '--json')).out;
    return JSON.parse(stdout) as Awaited<ReturnType<typeof doctor>>; // printed from exactly this
  };

  it('finds a whole system sound, every connector included', async () => {
    const said = await until('a sound system', async () => {
      const looked = await doctor();
      return looked.findings.every(({ health }) => health === 'ok' || health === 'note') ? looked : undefined;
    });
    expect(said.exitCode).toBe(0);
    const parts = new Set(said.findings.map(({ part }) => part));
    for (const part of 'stop control gateway gateways temporal store latch intake connectors direct clock'.split(' '))
      expect(parts, part).toContain(part);
    expect(said.findings.filter(({ part }) => part === 'connectors').length).toBeGreaterThan(1);
  }, 90_000);

  it('says what it means that the gateway is away, and goes on', async () => {
    const gateway = cast.installation.processes.get('gateway');
    await gateway?.stop();
    const { exitCode, findings } = await doctor();
    expect(exitCode).toBe(1);
    expect(findings.filter(({ health }) => health === 'bad').map(({ part }) => part)).toContain('gateway');
    expect(findings.filter(({ health }) => health === 'ok').map(({ part }) => part)).toEqual(
      expect.arrayContaining(['stop', 'store', 'direct']),
    );
    await gateway?.start();
    await until(
      'the gateway again',
      async () =>
        (await scrape(cast.installation.profile.metricsUrls['gateway'] ?? '').then(
          (figures) => valueOf(figures, 'estop_gateway_live'),
          () => 0,
        )) === 1,
    );
  }, 90_000);
});

describe('estop connector drill', () => {
  const connector = (...args: readonly string[]) => estop('connector', ...args);

  it('proves of every system that it can be cut off, and touches nothing of an agent', async () => {
    const { items } = await cast.operator.overview.connectors();
    expect(items.map(({ system }) => system).toSorted()).toEqual(
      connectorSystems.map(({ system }) => system).toSorted(),
    );
    const drilled = await Promise.all(items.map(({ connectorId }) => connector('drill', connectorId, '--json')));
    for (const { code, out } of drilled) {
      expect(code, out).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ state: 'proved', why: null, cutMs: expect.any(Number) });
    }
    // What was made is gone, and what agents have is there.
    for (const { out } of drilled) {
      const { taskId } = JSON.parse(out) as { readonly taskId: string };
      await until('its end', async () =>
        (await cast.operator.tasks.history(taskId)).entries.some(({ kind }) => kind === 'grant.ended'),
      );
    }
    for (const item of (await cast.operator.overview.connectors()).items) {
      expect(item).toMatchObject({ openObligations: 0, lastDrill: { state: 'proved' } });
      const before = items.find(({ connectorId }) => connectorId === item.connectorId)?.liveGrants;
      expect(item.liveGrants).toBeGreaterThanOrEqual(before ?? 0);
    }
    expect((await connector('ls')).out).toMatch(/proved/);
    expect((await connector('show', 'crm')).out).toMatch(/last drill +proved .*credential-probed/);
    const { items: audited } = await cast.operator.overview.audit({ kind: 'drill.' });
    expect(new Set(audited.map(({ kind }) => kind))).toEqual(new Set(['drill.asked', 'drill.proved']));
    await until('its figure', async () => {
      const figures = await figuresOf('control-worker');
      return valueOf(figures, 'estop_connector_drill_age_seconds', 'connector="crm"', 'result="proved"') !== undefined;
    });
    expect(valueOf(await figuresOf('control-worker'), 'estop_connectors_not_ready')).toBe(0);
  }, 120_000);

  it('says of what is not there that it is not', async () => {
    expect((await connector('drill', 'nobody')).code).toBe(5);
  });
});

describe('a trace that a service began, where a tracing SDK is loaded into every process', () => {
  const traceIdOf = (digit: string): string => digit.repeat(32);
  const post = async (url: string, token: string, body: object, digit: string): Promise<Record<string, unknown>> => {
    const traceparent = `00-${traceIdOf(digit)}-${spanOfCaller}-01`;
    const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json', traceparent };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };

  it('leads from the API through the workflow to gateway and connectors, and from a stop to what cuts off', async () => {
    const { profile } = cast.installation;
    const way = (digit: string, from: ProcessName, name: string) =>
      until(`${from}: ${name}`, async () => wayTo(collector.spans(traceIdOf(digit)), from, name, spanOfCaller));
    const start = { agentId: 'billing-bot', prompt: 'canary-prompt-7272' };
    const { taskId } = await post(`${profile.controlUrl}/v1/tasks`, profile.serviceToken, start, 'c');
    const api = 'control: control startTask';
    // What stands under the request belongs to the workflow that it started, in which no span is made.
    expect(await way('c', 'gateway', 'gateway tool-call')).toEqual([
      api,
      'agent-worker: activity callToolThenModel',
      'gateway: gateway tool-call',
    ]);
    expect(await way('c', 'trusted-worker', 'connector issue')).toEqual([
      api,
      'trusted-worker: activity issueGrant',
      'trusted-worker: connector issue',
    ]);
    // The very request that the issuer of that credential has seen is of that span.
    const issued = await until('its client at the issuer', async () => {
      const seen = cast.world.oauth
        .traced()
        .filter(({ path }) => path === '/reg')
        .map(({ traceparent }) => traceparent);
      return collector.spans(traceIdOf('c')).find(({ spanId }) => seen.includes(`00-${traceIdOf('c')}-${spanId}-01`));
    });
    expect(issued.name).toBe('connector issue');

    const order = { scopeKey: `task:${String(taskId)}`, reason: 'canary-reason-7273' };
    const { stopId } = await post(`${profile.stopUrl}/v1/stops`, profile.token, order, 'd');
    for (const [activity, connector] of [
      ['runPhase', 'connector cut revoke-credential'],
      ['finalProbe', 'connector probe'],
    ] as const)
      expect(await way('d', 'control-worker', connector)).toEqual([
        'stop: stop request',
        expect.stringMatching(new RegExp(`^control-worker: activity (${activity}|probeLane)$`)),
        `control-worker: ${connector}`,
      ]);
    await cast.operator.stops.reset(String(stopId), { reason: 'the end of a test' });
  }, 120_000);
});

describe('the figures of a running system', () => {
  it('counts what was done: a stop, its calls, its obligations', async () => {
    const { profile } = cast.installation;
    const task = await cast.service.tasks.start({ agentId: 'billing-bot', prompt: 'canary-prompt-5150' });
    await until('some calls', async () => cast.world.tools.calls().some((call) => call.taskId === task.taskId));
    await until(
      'admitted calls',
      async () => (valueOf(await figuresOf('gateway'), 'estop_calls_admitted_total', 'kind="tool-call"') ?? 0) > 0,
    );
    const before = await figuresOf('stop');
    const stop = await cast.operator.stops.stop({ agent: 'billing-bot' }, { reason: 'canary-reason-5151' });
    const counted = await until('a counted stop', async () => {
      const figures = await figuresOf('stop');
      return valueOf(figures, 'estop_stops_latched_total', 'scope="agent"') === 1 ? figures : undefined;
    });
    for (const name of ['estop_stop_requests_total', 'estop_stop_latch_seconds_count'])
      expect(valueOf(counted, name, 'outcome="latched"')).toBe((valueOf(before, name, 'outcome="latched"') ?? 0) + 1);
    expect(valueOf(counted, 'estop_beat_age_seconds')).toBeLessThan(60);
    const ledger = await until('the ledger in numbers', async () => {
      const figures = await figuresOf('control-worker');
      return valueOf(figures, 'estop_stops_in_force') === 1 ? figures : undefined;
    });
    expect(valueOf(ledger, 'estop_gateways_live')).toBe(1);
    expect(valueOf(await figuresOf('gateway'), 'estop_gateway_live')).toBe(1);
    await cast.operator.stops.get(stop.stopId);
    await until(
      'a counted request',
      async () =>
        (valueOf(await figuresOf('control'), 'estop_http_requests_total', 'endpoint="getStop"', 'status="200"') ?? 0) >
        0,
    );

    // No label names anything that there can be many of, and nothing secret stands anywhere.
    const pages = await everyProcess();
    const canaries = [
      task.taskId,
      stop.stopId,
      'canary-prompt-5150',
      'canary-reason-5151',
      profile.token,
      profile.serviceToken,
      profile.directUrl,
      ...Object.values(cast.world.secrets),
    ];
    for (const { text } of pages) for (const canary of canaries) expect(text).not.toContain(canary);
    for (const { samples } of pages)
      for (const { name, labels } of samples)
        expect(labels, name).not.toMatch(/(task|stop|call|appr|grant|obl|gw|req)_dev_/);
  }, 60_000);

  it('shows figures of every process, and of Temporal’s SDK in every worker', async () => {
    for (const [name, url] of Object.entries(cast.installation.profile.metricsUrls)) {
      const { names } = await scrape(url);
      if (name.endsWith('/sdk'))
        expect(
          [...names].some((one) => one.startsWith('temporal_')),
          name,
        ).toBe(true);
      else expect(names, name).toContain('nodejs_eventloop_lag_p99_seconds');
    }
  });

  it('says how often a connector is drilled by itself, as soon as estop.yaml does', async () => {
    appendFileSync(cast.world.configPath, '\ndrills: { connectors: { crm: { every: 5m } } }\n');
    const every = async (name: string) => valueOf(await figuresOf('control-worker'), name, 'connector="crm"');
    expect(await until('the schedule', () => every('estop_connector_drill_every_seconds'))).toBe(300);
    await until('control', async () =>
      (await cast.operator.overview.connectors()).items.some((one) => one.drillEveryMs),
    );
  });

  it('shows every figure that an alert or the dashboard looks at', async () => {
    const shown = new Set((await everyProcess()).flatMap(({ names }) => [...names]));
    const missing = [...alerts(), ...dashboardPanels()].flatMap(({ title, expr }) =>
      figuresIn(expr)
        .filter((name) => !shown.has(name))
        .map((name) => `${title}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('knows every label by which an alert or the dashboard chooses or sums', async () => {
    const samples = (await everyProcess()).flatMap((page) => page.samples);
    expect(unknownLabels([...alerts(), ...dashboardPanels()], samples)).toEqual([]);
  });

  // Last, so that it is looked at in all that the others left behind.
  it('traces names of steps, and nothing of what was said in them', () => {
    const said = [
      'canary-prompt-7272',
      'canary-reason-7273',
      'canary-prompt-5150',
      'canary-reason-5151',
      'canary-prompt-6161',
    ];
    for (const canary of [...said, cast.installation.profile.token, ...Object.values(cast.world.secrets)])
      expect(collector.received()).not.toContain(canary);
  });
});
