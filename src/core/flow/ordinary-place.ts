/** Of the system, what begins with a dot, and what is run, or believed, without being asked: no place to be written in unnamed. */
import { plain } from './canonical.ts';
import { isFileName } from './path-form.ts';
import { isOpenPlace } from './program/secret-place.ts';

/** Also as it is seen from beside the system: from a container, from another system on the same machine. */
const ofTheSystem =
  /^(?:[a-z]:)?(?:\/(?:private|host|rootfs|mnt|cygdrive|[a-z])(?:\/[a-z])?)?\/(?:etc|usr|bin|sbin|lib\w*|opt|var|boot|root|nix|snap|system|library|applications|windows|program files[^/]*)(?:\/|$)|^(?:etc|windows|program files[^/]*)\/|(?:^|\/)(?:system32|programdata|appdata)(?:\/|$)/;
const byItself =
  /(?:^|\/)(?:\.|crontab|cron\.|autostart|startup|launchagents|launchdaemons|systemd|init\.d|rc\.d|profile\.d|conf\.d|githooks|husky|site-packages|dist-packages|node_modules)|(?:^|\/)(?:ci|workflows|pipelines|actions)\/(?:.*\/)?[^/]*\.ya?ml$/;
/** Run by whoever builds, tests, installs or opens what lies around it. */
const builds = new RegExp(
  `^(?:${[
    String.raw`package\.json|composer\.json|deno\.jsonc?|binding\.gyp|.*\.config\.[cm]?[jt]s|(?:gulp|grunt)file.*|tasks\.json|launch\.json|mcp\.json`,
    String.raw`conftest\.py|(?:site|user)customize\.py|setup\.(?:py|cfg)|pyproject\.toml|tox\.ini|pytest\.ini|noxfile\.py|.*\.pth`,
    String.raw`(?:gnu)?makefile.*|.*\.mk|cmakelists\.txt|(?:docker|container)file.*|.*\.dockerfile|(?:docker-)?compose.*\.ya?ml|taskfile.*|justfile.*`,
    String.raw`build\.rs|cargo\.toml|pom\.xml|.*\.gradle(?:\.kts)?|.*\.(?:cs|vcx|fs|vb)proj|.*\.targets|gemfile.*|rakefile.*|.*\.gemspec|vagrantfile.*`,
    String.raw`jenkinsfile.*|.*-pipelines?\.ya?ml|appveyor\.ya?ml|cloudbuild\.ya?ml|buildspec\.ya?ml|(?:agents|claude|gemini|skill)\.md`,
    String.raw`(?:netlify|mise|wrangler)\.toml|(?:vercel|turbo|nx|lerna|devcontainer)\.json|lefthook\.ya?ml|action\.ya?ml|requirements.*\.txt|package\.swift`,
    String.raw`mix\.exs|meson\.build|configure\.ac|.*\.(?:sbt|tf|nix|bazel|bzl|xlsm|docm)|.*\.user\.js`,
    String.raw`.*\.(?:sh|bash|zsh|fish|ksh|csh|command|run)`,
    String.raw`.*\.(?:timer|socket|plist|lnk|url|exe|dll|so|dylib|bat|cmd|ps1|psm1|vbs|wsf|reg|scr|msi|jar|hta)|authorized_keys.*`,
  ].join('|')})$`,
);

/** Written out, and of a file whose name says that it is an ordinary one. */
export function isOrdinaryPlace(path: string): boolean {
  // Taken apart elsewhere: percent signs, stars, what climbs, what stands for home, a scheme, a stream of a file.
  if (path.length > 1_000 || /[%*~]|\.\./.test(path) || path.replace(/^[a-z]:(?=\/)/i, '').includes(':')) return false;
  // As a system takes it that forgives small letters, signs drawn alike, and what a name ends in.
  const parts = plain(path)
    .split('/')
    .map((part) => part.replaceAll(/^ +|[. ]+$/g, ''));
  const form = parts.filter((part, at) => part !== '' || at === 0).join('/');
  const name = form.slice(form.lastIndexOf('/') + 1);
  if (!isOpenPlace(path) || !isOpenPlace(form) || !isFileName(name)) return false;
  return !ofTheSystem.test(form) && !byItself.test(form) && !builds.test(name);
}
