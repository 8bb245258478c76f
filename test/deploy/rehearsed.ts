import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Program, runProgram } from '../kit/program.ts';
import { type Composition, programAndArguments, programOf, projectRoot, type Service } from './composition.ts';

export interface Stage {
  readonly compose: Composition;
  /** As deploy/make-secrets.ts made them, with the host of the store that runs here. */
  readonly secretsFolder: string;
  /** One folder for each service, in the place of its container's root. */
  readonly rootsFolder: string;
  /** host:port in docker-compose.yml → host:port here. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ports that the service itself takes, by variable. */
  readonly portsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * One service as docker-compose.yml describes it, without a container: its own command in the sources, its own variables and
 * nothing else of ours, and only the files that are mounted for it.
 */
export function run(stage: Stage, name: string): Program {
  const service = serviceOf(stage, name);
  const root = mountSecrets(stage, name, service);
  const [, ...args] = programAndArguments(service);
  return runProgram(sourceOf(programOf(service)), args, { env: environmentOf(stage, name, service, root) });
}

/** The service's own health check, run beside it. */
export async function isHealthy(stage: Stage, name: string): Promise<boolean> {
  const [, , program = '', url = ''] = serviceOf(stage, name).healthcheck?.test ?? [];
  const port = Object.values(stage.portsOf[name] ?? {})[0];
  const here = new URL(url);
  if (port !== undefined) here.port = port;
  return (await runProgram(sourceOf(program), [here.href]).exited).code === 0;
}

function serviceOf({ compose }: Stage, name: string): Service {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

function sourceOf(program: string): string {
  return join(projectRoot, program.replace(/^dist\//, '').replace(/\.js$/, '.ts'));
}

function mountSecrets({ compose, secretsFolder, rootsFolder }: Stage, name: string, { secrets }: Service): string {
  const root = join(rootsFolder, name);
  for (const { source, target } of secrets) {
    const file = compose.secrets[source]?.file.replace('./secrets', secretsFolder) ?? '';
    mkdirSync(dirname(join(root, target)), { recursive: true });
    copyFileSync(file, join(root, target));
  }
  return root;
}

function environmentOf(stage: Stage, name: string, { environment }: Service, root: string): NodeJS.ProcessEnv {
  const outside = Object.entries(process.env).filter(([variable]) => !variable.startsWith('ESTOP_'));
  const inside = Object.entries(environment).map(([variable, value]) => [variable, here(stage, variable, value, root)]);
  return { ...Object.fromEntries(outside), ...Object.fromEntries(inside), ...stage.portsOf[name] };
}

function here({ addresses }: Stage, variable: string, value: string, root: string): string {
  // Inside a container every address is the container's own; here it would be everybody's.
  if (variable === 'ESTOP_HOST') return '127.0.0.1';
  if (value.startsWith('/run/') || value.startsWith('/var/lib/estop/')) return join(root, value);
  if (value.startsWith('/etc/estop/')) return join(projectRoot, 'deploy/config', value.slice('/etc/estop/'.length));
  return Object.entries(addresses).reduce((text, [there, local]) => text.replace(there, local), value);
}
