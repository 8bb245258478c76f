import { readVersion } from '../runtime/package-version.ts';
import { visibleShort } from './visible.ts';

/** What servers said of themselves in this call. Asked for only once something went wrong that a difference explains. */
export interface Versions {
  hear(origin: string, version: string | undefined): void;
  /** Which side is older and what to do; undefined where all that answered are of this program's version. */
  advice(): string | undefined;
}

export function createVersions(own: () => string = readVersion): Versions {
  const heard = new Map<string, string | undefined>();
  return {
    hear: (origin, version) => void heard.set(origin, version),
    advice: () => {
      const lines = [...heard].flatMap(([origin, version]) => adviceOf(origin, version, own()) ?? []);
      return lines.length === 0 ? undefined : lines.join(' ');
    },
  };
}

function adviceOf(origin: string, version: string | undefined, own: string): string | undefined {
  if (version === own) return undefined;
  if (version === undefined)
    return `${origin} says no version: it is an older estop than this program (${own}), or something else answers there. Update it, or use the estop that belongs to it.`;
  const said = `${origin} is version ${visibleShort(version, 40)}, this program ${own}`;
  switch (older(version, own)) {
    case 'server':
      return `${said}: the server is older. Update it, or use the estop that belongs to it.`;
    case 'program':
      return `${said}: this program is older. Update it.`;
    case undefined:
      return `${said}. Use the estop that belongs to the server.`;
  }
}

function older(server: string, own: string): 'server' | 'program' | undefined {
  const [there, here] = [numbersIn(server), numbersIn(own)];
  if (there === undefined || here === undefined) return undefined;
  const at = there.findIndex((number, index) => number !== here[index]);
  if (at === -1) return undefined;
  return (there[at] ?? 0) < (here[at] ?? 0) ? 'server' : 'program';
}

function numbersIn(version: string): readonly number[] | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?$/.exec(version);
  return match === null ? undefined : match.slice(1).map(Number);
}
