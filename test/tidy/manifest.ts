import { RUNTIME_PACKAGES } from './layers.ts';
import { matchLines, type SourceText, type Violation } from './project.ts';

/** Runtime dependencies that are not on the list, or not pinned to one version. */
export function checkDependencies(manifest: SourceText): Violation[] {
  const { dependencies = {} } = JSON.parse(manifest.text) as { dependencies?: Record<string, string> };
  return Object.entries(dependencies).flatMap(([name, version]) => {
    const line = lineOf(manifest, `"${name}": "${version}"`);
    if (!RUNTIME_PACKAGES.includes(name)) {
      return [{ path: manifest.path, line, rule: `${name} is not among the runtime dependencies agreed on` }];
    }
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      return [{ path: manifest.path, line, rule: `${name} is not pinned to one version: ${version}` }];
    }
    return [];
  });
}

/** Addresses in the lock file: they tie an installation to the registry of the machine that wrote it. */
export function checkLockFile(lock: SourceText): Violation[] {
  return matchLines(lock, /"resolved"\s*:/, () => 'names the registry a package came from');
}

function lineOf(file: SourceText, text: string): number {
  return file.text.split('\n').findIndex((line) => line.includes(text)) + 1;
}
