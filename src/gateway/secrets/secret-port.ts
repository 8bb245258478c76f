import type { FreshlySealed } from '../../contract/secret.ts';
import type { SealedSecrets } from '../../store/secrets.ts';

/** What of the store sealed secrets need. */
export interface SecretPort {
  read(names: readonly string[]): Promise<SealedSecrets>;
  /** False: it is another one by now. */
  reseal(name: string, before: Uint8Array, after: FreshlySealed): Promise<boolean>;
}
