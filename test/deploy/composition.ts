import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { runProgram } from '../kit/program.ts';

export const projectRoot = join(import.meta.dirname, '..', '..');

const secretUse = z.union([
  z.string().transform((source) => ({ source, target: `/run/secrets/${source}` })),
  z.strictObject({ source: z.string(), target: z.string() }),
]);
const networkNames = z.union([
  z.array(z.string()),
  z.record(z.string(), z.object({ aliases: z.array(z.string()).optional() })).transform((named) => Object.keys(named)),
]);

const service = z.object({
  image: z.string(),
  build: z.string().optional(),
  user: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(secretUse).default([]),
  volumes: z.array(z.string()).default([]),
  networks: networkNames.default([]),
  network_mode: z.string().optional(),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  restart: z.string(),
  profiles: z.array(z.string()).default([]),
  read_only: z.boolean().optional(),
});
export type Service = z.output<typeof service>;

const composition = z.object({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});
export type Composition = z.output<typeof composition>;

/** As `docker compose` reads it where no variable is set. */
export function readComposition(): Composition {
  const text = readText('docker-compose.yml').replaceAll(/(?<!\$)\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
  return composition.parse(parse(text, { merge: true }));
}

export function readText(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}

/** Those that run a program of ours. */
export function ownServices({ services }: Composition): readonly (readonly [string, Service])[] {
  return Object.entries(services).filter(([, { build }]) => build !== undefined);
}

/** The compiled file that it runs. */
export function programOf(service: Service): string {
  return programAndArguments(service)[0] ?? '';
}

/** What follows `node` and the flags for Node itself. */
export function programAndArguments({ entrypoint, command }: Service): readonly string[] {
  const words = [...(entrypoint ?? []), ...(command ?? [])].slice(1);
  return words.slice(words.findIndex((word) => !word.startsWith('--')));
}

/** Everything that must have started, or ended well, before this one starts. */
export function waitsFor({ services }: Composition, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (one: string): void => {
    for (const next of Object.keys(services[one]?.depends_on ?? {})) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(name);
  return found;
}

export async function makeSecrets(folder: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(join(projectRoot, 'deploy', 'make-secrets.ts'), [folder, ...more]).exited;
  if (code !== 0) throw new Error(stderr);
}

/** By which names a service is reached in a network of its own, besides its own. */
export function aliasesOf(name: string, network: string): unknown {
  const raw = parse(readText('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { networks: Record<string, { aliases?: unknown }> }>;
  }; // its shape is checked by readComposition
  return raw.services[name]?.networks[network]?.aliases;
}
