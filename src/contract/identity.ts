import type { ErrorCode } from '../core/errors.ts';

export type Role = 'viewer' | 'approver' | 'operator' | 'admin' | 'service' | 'agent-worker';

/** A role, over every agent or over those that carry all of these labels. */
export interface Mandate {
  readonly role: Role;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Identity {
  /** Shown in audit and on stops: a person's or service's name. */
  readonly actor: string;
  /** Who is behind it, where one person has several identities. Two of them are one person wherever two people are needed. */
  readonly person?: string;
  readonly roles: readonly Role[];
}

/** Whom to compare where it matters that two are not the same. */
export const personOf = ({ actor, person }: Identity): string => person ?? actor;

export type Authentication =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly code: ErrorCode };

/** Synchronous and from memory: a stop must be authenticated while the store and every identity provider are away. */
export interface Authenticator {
  authenticate(authorizationHeader: string | undefined): Authentication;
  /** Whom a token stands for now, by the SHA-256 of the token: what was made from a token ends with it. */
  standingOf?(tokenHash: Uint8Array): Identity | undefined;
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
  | { readonly ok: false; readonly code: ErrorCode };

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
