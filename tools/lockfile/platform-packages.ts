/**
 * `npm ci` refuses a lockfile that lacks an optional package of any platform, and npm leaves those out which it could not fetch
 * when the file was made. They are put in by name and version alone: a machine of that platform fetches them without the
 * integrity that the others have, which is worth a look before such a machine builds anything that is shipped.
 */
export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export type Locked = Readonly<Record<string, LockedPackage>>;

interface Missing {
  readonly name: string;
  readonly version: string;
  readonly dev: boolean;
}

/** Node's own way of looking: in the package's folder, then in each one above it. */
function isLocked(locked: Locked, fromPath: string, name: string): boolean {
  for (let folder = fromPath; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (locked[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
  }
}

export function missingPlatforms(locked: Locked): readonly Missing[] {
  return Object.entries(locked).flatMap(([path, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(locked, path, name))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'arm'];

/** What the name of a platform package says, `binding-linux-arm64-musl` for one. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const words = name.split('/').at(-1) ?? '';
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined)
    throw new Error(`${name} does not say its platform: lock it where it can be fetched`);
  const libc =
    os !== 'linux' ? undefined : words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

export function withAllPlatforms(locked: Locked): Locked {
  const added = missingPlatforms(locked).map(({ name, version, dev }): readonly [string, LockedPackage] => {
    if (!/^\d+\.\d+\.\d+$/.test(version))
      throw new Error(`${name} is asked for as ${version}, which is no exact version`);
    return [`node_modules/${name}`, { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) }];
  });
  return Object.fromEntries([...Object.entries(locked), ...added].toSorted(([a], [b]) => a.localeCompare(b, 'en')));
}

/** Whoever reads package.json sees the version that runs. */
export function inexactVersions(dependencies: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(dependencies)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}@${version}`);
}
