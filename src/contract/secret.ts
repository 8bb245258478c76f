/** Longer than any token, key or password; a certificate with its chain fits. */
export const largestSecret = 32 * 1024;

export interface FreshlySealed {
  readonly sealed: Uint8Array;
  readonly keyId: string;
  /** A keyed hash of the value: equal values have equal ones, and nothing else follows from it without the key. */
  readonly fingerprint: string;
  /** The same under every key that is still held, by key id. */
  readonly fingerprints: Readonly<Record<string, string>>;
}

/** Upstream secrets at rest. Bytes that were moved to another name do not open. */
export interface SecretSealer {
  seal(name: string, value: string): FreshlySealed;
  open(name: string, sealed: Uint8Array): string;
  newestKeyId(): string;
}
