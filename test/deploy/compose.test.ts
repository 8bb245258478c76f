import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { searchAttributes } from '../../src/contract/names.ts';
import { loadConfig } from '../../src/runtime/config/load-config.ts';
import { temporalDynamicConfig } from '../../src/runtime/local/temporal-server.ts';
import { provisionSettingNames } from '../../src/runtime/provision/provision-settings.ts';
import { readSettings, settingNames } from '../../src/runtime/settings.ts';
import { connectionLimit, storeRoles } from '../../src/store/role.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import {
  aliasesOf,
  makeSecrets,
  ownServices,
  programOf,
  projectRoot,
  readComposition,
  readText,
  waitsFor,
} from './composition.ts';

const compose = readComposition();
const { services } = compose;
const own = ownServices(compose);
const processes = ['stop', 'control', 'gateway-1', 'gateway-2', 'trusted-worker', 'control-worker', 'agent-worker'];

/** docs/architecture.md: who has which role of the store. */
const roleOf: Readonly<Record<string, readonly string[]>> = {
  'stop': ['estop_stop'],
  'control': ['estop_control'],
  'gateway-1': ['estop_gateway'],
  'gateway-2': ['estop_gateway'],
  'trusted-worker': ['estop_trusted'],
  'control-worker': ['estop_revoker'],
  'agent-worker': [],
  'provision-store': [...storeRoles],
  'estop': ['estop_latch'],
};

const serviceOf = (name: string) => {
  const found = services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};

describe('docker-compose.yml', () => {
  it('runs all of estop', () => {
    expect(own.map(([name]) => name).toSorted()).toEqual(
      [...processes, 'estop', 'make-secrets', 'provision-store', 'provision-temporal'].toSorted(),
    );
  });

  it.each(['stop', 'control', 'gateway-1', 'gateway-2', 'control-worker'])(
    '%s tells people and browsers addresses that the host opens, not those inside',
    (name) => {
      const opened = Object.values(services).flatMap(({ ports }) => ports?.map((port) => port.split(':')[1]) ?? []);
      for (const variable of ['ESTOP_STOP_URL', 'ESTOP_CONTROL_URL', 'ESTOP_GATEWAY_URL']) {
        const url = new URL(serviceOf(name).environment[variable] ?? '');
        expect([variable, url.hostname]).toEqual([variable, '127.0.0.1']);
        expect(opened).toContain(url.port);
      }
    },
  );

  it('agent code is told the addresses inside, and no way out of its networks', () => {
    const { environment, networks } = serviceOf('agent-worker');
    for (const [variable, host] of [
      ['ESTOP_STOP_URL', 'stop'],
      ['ESTOP_CONTROL_URL', 'control'],
      ['ESTOP_GATEWAY_URL', 'gateway'],
    ] as const)
      expect(new URL(environment[variable] ?? '').hostname).toBe(host);
    expect(networks.toSorted()).toEqual(['agent-figures', 'api', 'temporal']);
  });

  it.each(own)('%s runs a program that the image has', (_name, service) => {
    const program = programOf(service);
    expect(program).toMatch(/^(dist\/(src|deploy)\/.+\.js|bin\/estop\.js)$/);
    const source = program.startsWith('dist/') ? program.replace(/^dist\//, '').replace(/\.js$/, '.ts') : program;
    expect(existsSync(join(projectRoot, source)), source).toBe(true);
  });

  it.each(own)('%s is given variables that it reads', (name, { environment }) => {
    const known = new Set([...settingNames, ...provisionSettingNames, ...(name === 'estop' ? cliVariables() : [])]);
    expect(Object.keys(environment).filter((variable) => !known.has(variable))).toEqual([]);
    if (processes.includes(name)) expect(() => readSettings(environment)).not.toThrow();
  });

  it.each(Object.entries(services))('%s names only files that are there', (_name, { volumes }) => {
    const bound = volumes.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':')[0] ?? '');
    expect(bound.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
  });

  it.each(['stop', 'control', 'gateway-1', 'gateway-2'])('%s is asked for its health where it answers', (name) => {
    const { healthcheck, environment, ports } = serviceOf(name);
    const [, node, program, url = ''] = healthcheck?.test ?? [];
    expect([node, program]).toEqual(['node', 'dist/deploy/healthy.js']);
    const settings = readSettings(environment);
    const port = { 'stop': settings.stopPort, 'control': settings.controlPort }[name] ?? settings.gatewayPort;
    expect(new URL(url).port).toBe(String(port));
    expect(ports.map((mapping) => mapping.split(':').at(-1))).toEqual([String(port)]);
    // The path itself is asked for in rehearsal.test.ts.
    expect(new URL(url).pathname).toBe(name === 'stop' ? '/livez' : '/readyz');
  });

  it('lets each part be reached where the others look for it', () => {
    const settings = readSettings(serviceOf('agent-worker').environment);
    expect(new URL(settings.controlUrl)).toMatchObject({ hostname: 'control', port: String(settings.controlPort) });
    expect(new URL(settings.gatewayUrl)).toMatchObject({ hostname: 'gateway', port: String(settings.gatewayPort) });
    const aliases = ['gateway-1', 'gateway-2'].map((name) => aliasesOf(name, 'api'));
    expect(aliases).toEqual([['gateway'], ['gateway']]);
    expect(new URL(settings.stopUrl).port).toBe(String(settings.stopPort));
  });

  it('opens nothing on the host but its loopback address', () => {
    for (const { ports } of Object.values(services))
      for (const mapping of ports) expect(mapping).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const opened = Object.values(services).flatMap(({ ports }) => ports.map((mapping) => mapping.split(':')[1]));
    expect(new Set(opened).size).toBe(opened.length);
  });

  it.each(own)('%s has the store URL of its own role and of no other', (name, { secrets, environment }) => {
    const urls = secrets.map(({ source }) => source).filter((source) => /^estop_.+_url$/.test(source));
    expect(urls.toSorted()).toEqual((roleOf[name] ?? []).map((role) => `${role}_url`).toSorted());
    const named = environment['ESTOP_DATABASE_URL_FILE'];
    const isProcess = processes.includes(name) && name !== 'agent-worker';
    expect(named).toBe(isProcess ? `/run/secrets/${urls[0]}` : undefined);
    // A URL with a password in it is never a variable.
    expect(Object.entries(environment).filter(([, value]) => value.startsWith('postgres'))).toEqual([]);
  });

  it('gives each process the keys that it works with, and no others', () => {
    const keysOf = (name: string) =>
      serviceOf(name)
        .secrets.map(({ source }) => source)
        .filter((source) => source.startsWith('key_') || source === 'token_hashes');
    expect(Object.fromEntries(processes.map((name) => [name, keysOf(name)]))).toEqual({
      'stop': ['key_codec', 'key_proof', 'token_hashes'],
      'control': ['key_token', 'key_secret', 'key_codec', 'key_flow', 'key_proof', 'token_hashes'],
      'gateway-1': ['key_token', 'key_seal', 'key_secret', 'key_flow'],
      'gateway-2': ['key_token', 'key_seal', 'key_secret', 'key_flow'],
      'trusted-worker': ['key_seal', 'key_codec'],
      'control-worker': ['key_seal', 'key_codec'],
      'agent-worker': ['key_codec'],
    });
    const { keysFolder, tokensPath } = readSettings(serviceOf('control').environment);
    for (const [, { secrets }] of own) {
      for (const { source, target } of secrets) {
        if (source.startsWith('key_')) expect(target).toBe(join(keysFolder, `${source.slice(4)}.json`));
        if (source === 'token_hashes') expect(target).toBe(tokensPath);
      }
    }
  });

  it('mounts the secrets that make-secrets makes, each where its reader looks', async () => {
    const folder = join(tempFolder(), 'secrets');
    await makeSecrets(folder);
    const made = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .toSorted();
    const declared = Object.values(compose.secrets)
      .map(({ file }) => file.replace(/^\.\/secrets\//, ''))
      .toSorted();
    // For people and backend services on the host; no container reads them.
    expect(made.filter((file) => !declared.includes(file))).toEqual(['connection.json', 'service_token']);
    expect(declared.filter((file) => !made.includes(file))).toEqual([]);
    const used = new Set(Object.values(services).flatMap(({ secrets }) => secrets.map(({ source }) => source)));
    expect([...used].toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
    for (const { environment, secrets } of Object.values(services)) {
      const targets = secrets.map(({ target }) => target);
      const files = Object.entries(environment)
        .filter(([variable]) => variable.endsWith('_FILE'))
        .map(([, path]) => path);
      expect(files.filter((path) => !targets.includes(path))).toEqual([]);
    }
  });

  it('keeps the agent worker out of every network in which a database is, and with it all that it could come by', () => {
    const networksOf = (name: string) => serviceOf(name).networks;
    const databases = new Set(['store', 'temporal-store'].flatMap(networksOf));
    expect(networksOf('agent-worker').filter((network) => databases.has(network))).toEqual([]);
    for (const network of databases) expect(compose.networks[network]?.internal).toBe(true);
    expect(serviceOf('agent-worker').secrets.map(({ source }) => source)).toEqual(['worker_token', 'key_codec']);
    // It reaches the world, models included, through the gateway alone.
    expect(networksOf('agent-worker').filter((network) => compose.networks[network]?.internal !== true)).toEqual([]);
    expect(Object.keys(services).filter((name) => networksOf(name).includes('models'))).toEqual([
      'gateway-1',
      'gateway-2',
    ]);
  });

  it('starts the stop process after the store alone, whatever becomes of Temporal', () => {
    expect([...waitsFor(compose, 'stop')].toSorted()).toEqual(['provision-store', 'store']);
    expect([...waitsFor(compose, 'control-worker')].toSorted()).toEqual(['provision-store', 'store']);
    for (const name of ['gateway-1', 'gateway-2']) expect(waitsFor(compose, name).has('temporal')).toBe(false);
  });

  it('leaves no data in a volume without a name, and names none that nobody uses', () => {
    const used = Object.values(services).flatMap(({ volumes }) => volumes.map((volume) => volume.split(':')));
    for (const parts of used) expect(parts.length).toBeGreaterThanOrEqual(2);
    const named = used.map(([source = '']) => source).filter((source) => !source.startsWith('.'));
    expect([...new Set(named)].toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
    // The image of PostgreSQL 18 declares this folder a volume: what is not mounted there becomes one without a name.
    for (const { image, volumes } of Object.values(services)) {
      if (image.startsWith('postgres:'))
        expect(volumes.map((volume) => volume.split(':')[1])).toEqual(['/var/lib/postgresql']);
    }
  });

  it('starts again what fails, and lets jobs end', () => {
    for (const [name, { restart, depends_on, profiles }] of Object.entries(services)) {
      const isJob = /^(provision-|temporal-schema$)/.test(name);
      const isCommand = profiles.some((profile) => profile === 'setup' || profile === 'cli');
      expect(restart, name).toBe(isCommand ? 'no' : isJob ? 'on-failure:10' : 'unless-stopped');
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const ends = /^(provision-|temporal-schema$)/.test(other);
        expect(condition, `${name} waits for ${other}`).toBe(
          ends ? 'service_completed_successfully' : 'service_healthy',
        );
        if (!ends) expect(serviceOf(other).healthcheck, other).toBeDefined();
      }
    }
  });

  it('leaves both gateways and every stop their connections', () => {
    const settings = (serviceOf('store').command ?? []).map((word) => word.split('='));
    const valueOf = (name: string) => Number(settings.find(([key]) => key === name)?.[1]);
    const most = valueOf('max_connections');
    // src/gateway/server.ts: eight on the allow path, four for the fence.
    expect(connectionLimit('estop_gateway', most)).toBeGreaterThanOrEqual(2 * 12);
    const together = storeRoles.reduce((sum, role) => sum + connectionLimit(role, most), 0);
    expect(together + valueOf('reserved_connections') + 3).toBeLessThanOrEqual(most);
  });

  it('tunes Temporal as the local one is tuned', () => {
    const file = parse(readText('deploy/temporal/dynamicconfig.yaml')) as Record<string, readonly { value: unknown }[]>; // a mapping of lists, as the server wants it
    const values = Object.fromEntries(Object.entries(file).map(([key, [first]]) => [key, first?.value]));
    expect(values).toMatchObject(temporalDynamicConfig);
    const { environment, volumes } = serviceOf('temporal');
    expect([environment['DYNAMIC_CONFIG_FILE_PATH'], volumes]).toEqual([
      '/deploy/dynamicconfig.yaml',
      ['./deploy/temporal:/deploy:ro'],
    ]);
    // PostgreSQL has room for ten keywords in a namespace.
    expect(Object.keys(searchAttributes).length).toBeLessThanOrEqual(10);
  });

  it('comes with a configuration that is valid', () => {
    const result = loadConfig(join(projectRoot, 'deploy/config/estop.yaml'));
    expect(result).toMatchObject({
      ok: true,
      config: { environment: serviceOf('control').environment['ESTOP_ENVIRONMENT'] },
    });
  });
});

describe('Dockerfile', () => {
  const text = readText('Dockerfile');

  it('makes an image of the pinned Node that runs as nobody special and ran no install script', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as { devDependencies: Record<string, string> }; // npm's own format
    const major = devDependencies['node']?.split('.')[0];
    expect(text.match(/^FROM (\S+)/gm)).toEqual(Array(3).fill(`FROM node:${major}-slim`));
    expect(text).toMatch(/^USER node$/m);
    expect(text).toContain('npm ci --omit=dev --ignore-scripts');
    for (const line of text.match(/npm ci.*/g) ?? []) expect(line).toContain('--ignore-scripts');
    for (const [, service] of own) expect([service.user, service.read_only]).toEqual(['1000:1000', true]);
  });

  it('copies only what is there and not kept out of its sight', () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
    const ignore = readText('.dockerignore').split('\n');
    expect(ignore.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(copied.filter((path) => !allowed.some((root) => path === root || path.startsWith(`${root}/`)))).toEqual([]);
    expect(allowed).not.toContain('secrets');
  });
});

function cliVariables(): readonly string[] {
  return [...readText('src/cli/connection.ts').matchAll(/'(ESTOP_[A-Z_]+)'/g)].map(([, name = '']) => name);
}
