import { randomBytes } from 'node:crypto';
import type { ConfigSource, SecretAt } from '../contract/config.ts';
import type { FlowKeys } from '../contract/flow-keys.ts';
import type { Log, Sealer, TaskTokenVerifier } from '../contract/identity.ts';
import type { SecretSealer } from '../contract/secret.ts';
import { formatId, type IdKind } from '../core/ids.ts';
import type { PolicyFiles } from '../policy/parse-set.ts';
import { settleCallsSoon } from '../store/calls.ts';
import { noteConduct } from '../store/conduct.ts';
import { noteDenials } from '../store/denials.ts';
import { activePolicies } from '../store/policies.ts';
import { openStore, type Store } from '../store/pool.ts';
import { noteSpent, taskStanding } from '../store/spent.ts';
import { listenForStops } from '../store/stop-hints.ts';
import { ApprovalStates } from './call/approval-state.ts';
import { ConductRecorder, watchedLedger } from './call/conduct-recorder.ts';
import { DenialRecorder } from './call/denial-recorder.ts';
import type { LedgerPort } from './call/ledger-port.ts';
import { Settler } from './call/settler.ts';
import { SpentRecorder } from './call/spent-recorder.ts';
import { type Clock, systemClock } from './fence/clock.ts';
import { EpochFolder, type EpochMemory, noMemory } from './fence/epoch-memory.ts';
import { Fence } from './fence/fence.ts';
import type { FencePort } from './fence/fence-port.ts';
import { OpenCalls } from './fence/open-calls.ts';
import { Places } from './fence/places.ts';
import { Renewer } from './fence/renewer.ts';
import { TaskFlows } from './flow/task-flows.ts';
import { BodiesInHand, type MostInHand, mostInHand } from './http/bodies-in-hand.ts';
import { type GatewayServer, listen } from './http/listen.ts';
import { ClientSessions } from './mcp/client-sessions.ts';
import { ServersWords } from './mcp/servers-words.ts';
import { Providers } from './model/provider.ts';
import type { GateHost } from './passage.ts';
import { PoliciesInForce } from './policy/policies-in-force.ts';
import { TaskStandings } from './policy/task-standings.ts';
import { createRandomBytes } from './random-bytes.ts';
import { openSecrets } from './secrets/open-secrets.ts';
import { createFencePort, createFlowPort, createLedgerPort, createPinPort } from './store-port.ts';
import { TokenReader } from './token-reader.ts';
import { mostSockets } from './upstream/prepared-call.ts';
import { ToolServers } from './upstream/tool-servers.ts';
import type { GatewayWatch } from './watch.ts';

export interface GatewayDeps {
  readonly environment: string;
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
  /** Names under which clients reach this gateway, besides those of this machine. */
  readonly allowedHosts?: readonly string[];
  readonly config: ConfigSource;
  /** Those that come with estop: in force until a set is activated. */
  readonly policies: PolicyFiles;
  readonly readSecret: (reference: SecretAt) => string;
  readonly verifier: TaskTokenVerifier;
  readonly sealer: Sealer;
  /** Opens the sealed secrets of upstreams; without it there are none. */
  readonly secretSealer?: SecretSealer;
  /** Where a person decides about an approval; without it clients are told its id alone. */
  readonly approvalPage?: (approvalId: string) => string;
  readonly mostInHand?: MostInHand;
  /** Shared by the gateways of an installation; without it each knows only its own states, and what its own upstreams gave. */
  readonly approvalStateKey?: Uint8Array;
  readonly flowKeys: FlowKeys;
  /** Who gives out tokens for this gateway to programs that ask for them themselves. */
  readonly tokenIssuer?: string;
  /** How clients reach this gateway: the scheme of its own address where it is told to them. */
  readonly isBehindTls?: boolean;
  readonly log: Log;
  /** Where this gateway remembers the highest epoch it has seen; without it a restart forgets. */
  readonly stateFolder?: string;
  readonly watch?: GatewayWatch;
  readonly clock?: Clock;
  readonly callTimeoutMs?: number;
  readonly grantWaitMs?: number;
  readonly modelSilenceMs?: number;
  /** Of a model call, in bytes. */
  readonly largestPrompt?: number;
  /** Stands between the gateway and its store: how a test or the demo takes a part out without a switch in the product. */
  readonly decorate?: {
    readonly fence?: (port: FencePort) => FencePort;
    readonly ledger?: (port: LedgerPort) => LedgerPort;
  };
  /** Connections of the allow path. The fence has its own, so that waiting calls cannot hold up a renewal. */
  readonly allowConnections?: number;
}

export interface Gateway {
  readonly url: string;
  /** Lets calls under way end for a moment, cuts the rest, settles, and retires itself: later stops need not wait for it. */
  close(): Promise<void>;
}

const defaultAllowConnections = 8;
/** Two renewals in flight, one confirmation, and the listener for hints. */
const fenceConnections = 4;
const defaultCallTimeoutMs = 120_000;
const defaultGrantWaitMs = 10_000;
/** A model that thinks says nothing meanwhile. */
/** It is read on the thread that hears of stops. */
const defaultLargestPrompt = 4 * 1024 * 1024;
const defaultModelSilenceMs = 300_000;
/** Longer than people take who decide at all. */
const approvalStateLifeMs = 3_600_000;
const closeGraceMs = 2_000;
const firstListsWithinMs = 3_000;

/** Everything is injected: nothing here reads the environment, a file or a key. */
export async function startGateway(deps: GatewayDeps): Promise<Gateway> {
  const { environment, log, config } = deps;
  const clock = deps.clock ?? systemClock;
  const memory = openMemory(deps);
  const nextBytes = createRandomBytes(16);
  const newId = (kind: IdKind): string => formatId(kind, environment, nextBytes());
  const allowStore = openGatewayStore(deps, 'estop-gateway', deps.allowConnections ?? defaultAllowConnections, 2_800);
  const fenceStore = openGatewayStore(deps, 'estop-gateway-fence', fenceConnections, 2_000);
  const plain = createFencePort(fenceStore);
  const fencePort = deps.decorate?.fence?.(plain) ?? plain;
  const ledgerPort = createLedgerPort(allowStore);
  const settler = new Settler({ settle: (calls) => settleCallsSoon(allowStore, calls) }, log);
  const conduct = new ConductRecorder((seen, repeats) => noteConduct(allowStore, fence.gatewayId, seen, repeats), log);
  const spent = new SpentRecorder((more) => noteSpent(allowStore, more), log);
  const denials = new DenialRecorder((seen) => noteDenials(allowStore, fence.gatewayId, seen), log);
  const openCalls = new OpenCalls();
  const fence = new Fence(clock, openCalls, memory);
  const { secrets, sealed } = openSecrets(deps, allowStore);
  const tools = new ToolServers(config, secrets, createPinPort(allowStore), log);
  const policies = new PoliciesInForce(deps.policies, () => activePolicies(allowStore), log);
  const sessions = new ClientSessions();
  const stateKey = deps.approvalStateKey ?? randomBytes(32);
  const models = new Providers(secrets);
  const flows = new TaskFlows({
    port: createFlowPort(allowStore),
    keys: deps.flowKeys,
    log,
    gatewayId: () => fence.gatewayId,
    isOpenHere: (callId) => openCalls.has(callId),
    settle: ({ callId, outcome, used }) => settler.add(callId, outcome, used),
  });
  const address = `${deps.host}:${deps.port}`;
  const renewer = new Renewer({
    fence,
    port: fencePort,
    clock,
    log,
    address,
    newGatewayId: () => newId('gw'),
    onToolsVersion: (version) => tools.hearOf(version),
    onPolicyActivation: (activation) => policies.hearOf(activation),
    onSecretsVersion: (version) => sealed.hearOf(version),
    settler,
  });
  const tokens = new TokenReader(deps.verifier, clock, () => fence.clockAheadMs);
  const { watch } = deps;
  watch?.show(() => ({
    isLive: fence.standing().live && !tokens.refusesByClock,
    leaseRemainingMs: fence.remainingMs,
    openCalls: openCalls.size,
    viewEpoch: fence.viewEpoch,
    clockAheadMs: fence.clockAheadMs,
  }));
  const noters = [conduct, spent, denials, ...(watch === undefined ? [] : [watch])];
  const gate: GateHost = {
    config,
    log,
    tokens,
    fence,
    renewNow: () => renewer.renewNow(),
    openCalls,
    places: new Places(mostSockets),
    tools,
    sessions,
    serversWords: new ServersWords(stateKey),
    policies,
    standings: new TaskStandings((taskId) => taskStanding(allowStore, taskId), log),
    flows,
    ledger: watchedLedger(deps.decorate?.ledger?.(ledgerPort) ?? ledgerPort, conduct, config),
    conduct: { note: (passage, denial) => noters.forEach((noter) => noter.note(passage, denial)) },
    inHand: new BodiesInHand(deps.mostInHand ?? mostInHand),
    models,
    secrets,
    settle: (callId, outcome, used) => {
      // What gives something back, and what a fence report counts, waits for nothing.
      const isPlain = used === undefined && (outcome === 'completed' || outcome === 'failed');
      if (!isPlain || !flows.takesEnd({ callId, outcome })) settler.add(callId, outcome, used);
    },
    sealer: deps.sealer,
    approvalStates: new ApprovalStates(stateKey, approvalStateLifeMs),
    approvalPage: deps.approvalPage,
    resource:
      deps.tokenIssuer === undefined ? undefined : { issuer: deps.tokenIssuer, isBehindTls: deps.isBehindTls === true },
    newId,
    callTimeoutMs: deps.callTimeoutMs ?? defaultCallTimeoutMs,
    grantWaitMs: deps.grantWaitMs ?? defaultGrantWaitMs,
    largestPrompt: deps.largestPrompt ?? defaultLargestPrompt,
    modelSilenceMs: deps.modelSilenceMs ?? defaultModelSilenceMs,
  };
  renewer.start();
  const hints = listenForStops(fenceStore, () => void renewer.renewNow());
  const shutDown = async (): Promise<void> => {
    renewer.noteCut(fence.close());
    sessions.close();
    hints.close();
    await renewer.close();
    await Promise.all([settler.drain(closeGraceMs), flows.drain(closeGraceMs)]);
    await Promise.all([conduct.flush(), spent.flush(), denials.flush(true)]);
    if (fence.gatewayId !== '') {
      await fencePort.retire(fence.gatewayId).catch((thrown: unknown) => {
        log.warn({ event: 'gateway.not-retired', error: String(thrown) }, 'the ledger will see this gateway expire');
      });
    }
    models.close();
    await Promise.allSettled([tools.close(), allowStore.end(), fenceStore.end(), memory.flush()]);
  };
  let server: GatewayServer;
  try {
    // An agent that comes at once must not find an empty list; a server that does not answer must not keep the others waiting.
    await Promise.race([tools.firstTries(), new Promise((resolve) => setTimeout(resolve, firstListsWithinMs).unref())]);
    const { host, port, allowedHosts = [] } = deps;
    server = await listen(gate, { host, port, allowedHosts: [host, ...allowedHosts] });
  } catch (thrown) {
    await shutDown();
    throw thrown;
  }
  log.info({ event: 'gateway.listening', url: server.url }, 'the gateway listens');

  const close = async (): Promise<void> => {
    server.stopListening();
    await untilEmpty(openCalls, closeGraceMs);
    await shutDown();
    await server.close();
  };
  let closing: Promise<void> | undefined;
  return { url: server.url, close: () => (closing ??= close()) };
}

function openMemory({ stateFolder, log }: GatewayDeps): EpochMemory {
  if (stateFolder !== undefined) return new EpochFolder(stateFolder, log);
  log.warn(
    { event: 'epoch.not-kept' },
    'no folder is configured for the epochs seen; after a restart this gateway would believe a store restored from a backup',
  );
  return noMemory;
}

function openGatewayStore(deps: GatewayDeps, applicationName: string, max: number, queryTimeoutMs: number): Store {
  const onError = (error: Error): void =>
    deps.log.warn({ event: 'store.connection-lost', error: error.message }, 'an idle store connection broke');
  return openStore({ url: deps.databaseUrl, applicationName, max, queryTimeoutMs, connectTimeoutMs: 1_500, onError });
}

async function untilEmpty(openCalls: OpenCalls, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  while (openCalls.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
}
