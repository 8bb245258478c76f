import type { ErrorCode } from '../core/errors.ts';
import type { Mandate, PersonRole } from '../core/mandate.ts';

export type Role = 'viewer' | 'approver' | 'operator' | 'admin' | 'service' | 'agent-worker';

export interface Identity {
  /** Shown in audit and on stops: a person's or service's name. */
  readonly actor: string;
  /** Who is behind it, where one person has several identities. Two of them are one person wherever two people are needed. */
  readonly person?: string;
  /** Over everything. */
  readonly roles: readonly Role[];
  /** All that a person was given, with bounds and dates; absent where nothing is bounded or dated. */
  readonly mandates?: readonly Mandate[];
  /** Break-glass: a role of `roles` that is theirs for a while alone. */
  readonly elevation?: { readonly elevationId: string; readonly role: PersonRole; readonly until: string };
}

/** Whom to compare where it matters that two are not the same. */
export const personOf = ({ actor, person }: Identity): string => person ?? actor;

export type Authentication =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly code: ErrorCode };

/** Synchronous and from memory: a stop must be authenticated while the store and every identity provider are away. */
export interface Authenticator {
  authenticate(authorizationHeader: string | undefined): Authentication;
  /** Whether there is any token at all. */
  holdsTokens?(): boolean;
  /** All of them, each by its SHA-256, with what they may do now. */
  held?(): readonly { readonly tokenHash: Uint8Array; readonly roles: readonly Role[] }[];
  /** Whom a token stands for now, by the SHA-256 of the token: what was made from a token ends with it. */
  standingOf?(tokenHash: Uint8Array): Identity | undefined;
}

/** That somebody who is signed in may stop things. */
export interface OperatorProof {
  readonly actor: string;
  readonly person: string;
  readonly signInId: string;
  /** The scope keys that they may stop; absent: all. */
  readonly scopes?: readonly string[];
  /** A role that was taken for a while: until then everything, and under this name. */
  readonly wider?: { readonly actor: string; readonly until: number };
  /** Milliseconds since 1970, by the clock of control. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Signed by control, read by the stop process; from memory, both. */
export interface OperatorProofs {
  sign(proof: Omit<OperatorProof, 'issuedAt'>): string;
  verify(token: string): OperatorProof | undefined;
}

export interface TaskClaims {
  readonly tokenId: string;
  readonly taskId: string;
  readonly agentId: string;
  /** The agent and those of every ancestor task: labels as of now are looked up by these. */
  readonly agents: readonly string[];
  readonly keys: readonly string[];
  readonly epoch: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export type TokenVerdict =
  | { readonly ok: true; readonly claims: TaskClaims }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      /** Of a token that is ours in all else: it is of another time, by the clock that it was read by. */
      readonly times?: TokenTimes;
    };

/** Milliseconds since 1970. */
export interface TokenTimes {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface TaskTokenSigner {
  sign(
    claims: Omit<TaskClaims, 'tokenId' | 'expiresAt'>,
  ): Promise<{ readonly token: string; readonly expiresAt: number }>;
}

export interface TaskTokenVerifier {
  verify(token: string): Promise<TokenVerdict>;
}

/** AES-256-GCM under a named key; `context` is authenticated, so that sealed bytes cannot be moved to another row. */
export interface Sealer {
  seal(plain: Uint8Array, context: string): Uint8Array;
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** pino's shape, so that realms need no logger of their own. Message second, as pino has it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
