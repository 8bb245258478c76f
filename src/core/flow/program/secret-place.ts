/** Where secrets are kept, by what it is called: to look there is no plain look. What it does not know and begins with a dot counts as such. */
const secretWord =
  /(?:^|[^a-z])(?:pass(?:word|wd|phrase|code)s?|pwd|secrets?|tokens?|credentials?|creds?|api_?keys?|private_?keys?|access_?keys?|secret_?keys?|ssh_?keys?|otp|totp|cvv|cvc|pin|jwt|cookies?)(?:[^a-z]|$)/i;

/** `userPasswords`, `api_key`, `API-KEY`. */
export const holdsSecretWord = (name: string): boolean =>
  secretWord.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('-', '_')) ||
  /password|passwd|secret|credential|apikey/i.test(name);

/** Files whose names begin with a dot and that hold settings everybody who has the project may see. */
const openDots =
  /^\.(?:\.?|github|gitlab-ci\.ya?ml|gitignore|gitattributes|gitmodules|editorconfig|eslintrc(?:\.\w+)?|prettierrc(?:\.\w+)?|nvmrc|node-version|python-version|tool-versions|dockerignore|vscode|storybook|babelrc|browserslistrc|swcrc|changeset|husky)$/i;
const keyFiles =
  /^(?:g?shadow-?|sudoers(?:\.d)?|passwd-?|master\.passwd|id_(?:rsa|dsa|ecdsa|ed25519)\w*|known_hosts|authorized_keys|environ|keychains?|login data|wallet\.dat|service[-_]?account.*|kubeconfig.*|htpasswd|.*_history|.*tfstate.*|.*\.(?:pem|key|p12|pfx|p8|jks|keystore|kdbx?|ppk|gpg|asc|pgp|env|crt\.key|ovpn|mobileprovision))$/i;
/** Of the machine and its processes, and where other hosts are mounted on being named. */
const machineFolders = /^\/+(?:proc|sys|dev|run|var\/run|net|afs|boot)(?:\/|$)/i;

/** A path that is written out, letter by letter: nothing in it is filled in later. */
export function isOpenPlace(path: string): boolean {
  if (path.length > 1_000 || path.startsWith('//') || !/^[\p{L}\p{N}_ .,@+%:=~*/-]+$/u.test(path)) return false;
  if (path.includes('~') && !/^~(?:\/[^~]*)?$/.test(path)) return false;
  const parts = path.split('/').filter((part) => part !== '');
  const climbs = parts.findIndex((part) => part === '..');
  if (machineFolders.test(path) || (climbs >= 0 && parts.some((part) => machineFolders.test(`/${part}`)))) return false;
  return parts.every((part) => isOpenName(part));
}

const isOpenName = (part: string): boolean =>
  (!part.startsWith('.') || openDots.test(part)) &&
  !keyFiles.test(part) &&
  !holdsSecretWord(part) &&
  // "user.env.local", "prod.env": what comes behind makes it no less a file of secrets.
  !/(?:^|\.)env(?:\.|$)/i.test(part);
