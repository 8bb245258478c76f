import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Installation, type ProcessName, startInstallation } from '../../src/runtime/installation/installation.ts';
import { createEstop, type Estop } from '../../src/sdk/estop.ts';
import type { DemoOptions, Sabotage } from './options.ts';
import type { Screen } from './screen.ts';
import { startWorld, type World } from './world.ts';

export interface Cast {
  readonly world: World;
  readonly installation: Installation;
  /** Starts tasks; may not approve. */
  readonly service: Estop;
  /** Stops and resets. */
  readonly operator: Estop;
  stop(): Promise<void>;
}

/** Which program stands in for ours when a part is switched off on purpose; the product itself has no such switch. */
const standIns: Readonly<Record<Sabotage, readonly [ProcessName, string]>> = {
  fence: ['gateway', 'sabotage/open-gateway'],
  halt: ['control-worker', 'sabotage/control-worker'],
  revoke: ['control-worker', 'sabotage/control-worker'],
  probe: ['control-worker', 'sabotage/control-worker'],
};

export function castOf(world: World, installation: Installation): Cast {
  const { profile } = installation;
  const connect = (token: string): Estop =>
    createEstop({ controlUrl: profile.controlUrl, stopUrl: profile.stopUrl, token });
  return {
    world,
    installation,
    service: connect(profile.serviceToken),
    operator: connect(profile.token),
    stop: async () => {
      await installation.stop();
      await world.stop();
    },
  };
}

export async function createInstallationFor(options: DemoOptions, screen: Screen): Promise<Cast> {
  screen.step('Starting the systems that the agent has keys to');
  const world = await startWorld(options.keep);
  try {
    screen.step('Starting estop: Temporal, PostgreSQL, stop process, control, gateway, workers');
    const installation = await startInstallation({
      stateFolder: join(world.folder, 'estop'),
      configPath: world.configPath,
      environment: 'dev',
      onServersUp: ({ temporalAddress }) => world.writeConfig(temporalAddress),
      onProgress: (line) => screen.fact('progress', line, {}),
      env: world.secrets,
      mainOf: standInsFor(options.sabotage),
      envOf: { 'control-worker': { DEMO_SABOTAGE: options.sabotage.join() } },
    });
    return castOf(world, installation);
  } catch (thrown) {
    await world.stop();
    throw thrown;
  }
}

function standInsFor(sabotage: readonly Sabotage[]): Partial<Record<ProcessName, string>> {
  const here = fileURLToPath(import.meta.url);
  const programs = sabotage.map((name) => {
    const [process, file] = standIns[name];
    return [process, join(here, '..', `${file}${extname(here)}`)];
  });
  return Object.fromEntries(programs);
}
