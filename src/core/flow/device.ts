/**
 * Devices that a tool switches. Who wants a meeting cancelled has not asked for the end of an alarm; and what lets in, guards, heats or
 * floods a house is switched for nobody who has not named it.
 */
import { type FlowCall, valuesOf } from './call.ts';
import { stem, wordsOfName } from './language/stem.ts';
import type { Family } from './language/words.ts';
import { devices, isOtherOf, isSaid, type Kind, namesThing } from './named-kind.ts';
import type { TaskFlow } from './task-flow.ts';
import { wordsOfTool } from './tool/words-of-tool.ts';

interface Grave {
  /** How a tool, or what it is told, calls it. */
  readonly called: RegExp;
  /** How a request does. */
  readonly said: Kind;
}

const grave: readonly Grave[] = (
  [
    [
      /\b(?:doors?|gates?|garages?|deadbolts?|latch(?:es)?|entrances?|intercom)\b|\S locks?\b|^locks? (?:control|state|mode|command|action|device|set)\b/,
      'door gate garage lock latch deadbolt entrance entry intercom',
    ],
    [
      /\b(?:burglar|intrusion|sirens?|arm|disarm|security (?:system|alarm|mode|panel))\b/,
      'security burglar intrusion siren arm disarm alarm',
    ],
    [/\b(?:smoke|monoxide|fire (?:alarm|detector))\b/, 'smoke monoxide fire'],
    [/\b(?:cameras?|cams?|cctv|webcams?)\b/, 'camera cctv webcam cam video'],
    [
      /\b(?:valves?|pumps?|sprinklers?|irrigation|faucets?|boilers?)\b/,
      'valve water pump tap faucet sprinkler irrigation boiler lawn garden pool heating',
    ],
    [/\b(?:ovens?|stoves?|hobs?|cookers?)\b/, 'oven stove hob cooker bake roast preheat cook'],
    [/\b(?:freezers?|fridges?|refrigerators?)\b/, 'freezer fridge refrigerator'],
    [/\b(?:cars?|vehicles?|trucks?)\b/, 'car vehicle truck'],
  ] as const
).map(([called, said]) => ({ called, said: said.split(' ').map(stem) }));

const everything = ['everything', 'device', 'devices', 'appliance', 'appliances'].map(stem);
/** A car that is booked, bought or written about is not switched. */
const switches: ReadonlySet<Family> = new Set<Family>(['change', 'cancel', 'execute', 'delete']);
const namesOne =
  /(?:^|[ ])(?:device|entity|appliance|accessory|actuator|switch|relay|plug|lock|camera|valve)s?(?:$|[ ])/;

/** The tool switches a device that the request does not name. */
export function isOtherDevice(flow: TaskFlow, call: FlowCall): boolean {
  const { families } = call.profile;
  const own = wordsOfTool(call.profile);
  const told = wordsTold(call);
  if (told.length > 0 && isOtherOf(flow, devices, told)) return true;
  if (onlyShuts(call)) return false;
  if (isOtherOf(flow, devices, own)) return true;
  if (!families.every((family) => switches.has(family)) || isSaid(flow, everything)) return false;
  return [own.join(' '), told.join(' ')].some((text) =>
    grave.some(
      ({ called, said }) => called.test(text) && !isSaid(flow, said) && !(onlyUnlocks(flow) && said.includes('door')),
    ),
  );
}

const shuts = /^(?:lock|close|shut|arm) (?!(?:control|state|mode|command|action|device|set)\b)/;
const isShut = (value: unknown): boolean => typeof value !== 'boolean' && !/^(?:true|yes|on)$/i.test(String(value));

/** To lock lets nobody in, unless a switch says otherwise. */
const onlyShuts = ({ profile, args }: FlowCall): boolean =>
  shuts.test(`${wordsOfTool(profile).join(' ')} `) &&
  Object.entries(args).every(([name, value]) => value === false || isShut(value) || !/un|open|off|dis/i.test(name));

/** "Unlock it": where nothing is named that may be unlocked besides a door. */
const onlyUnlocks = (flow: TaskFlow): boolean => isSaid(flow, [stem('unlock')]) && !namesThing(flow);

const longest = 80;

/** "device_id: front-door-lock". */
const wordsTold = (call: FlowCall): readonly string[] =>
  valuesOf(call).values.flatMap(({ argument, text }) =>
    text.length <= longest && namesOne.test(wordsOfName(argument).join(' ')) ? wordsOfName(text) : [],
  );
