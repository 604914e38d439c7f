import { posix } from 'node:path';
import ts from 'typescript';
import type { SourceText, Violation } from './project.ts';

/**
 * The folders of src/ from the ground up. A folder imports only from lines above its own; folders on one line do not
 * import each other. `index.ts` stands for src/index.ts.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['kernel'],
  ['registers'],
  ['wire'],
  ['pcie'],
  ['iommu', 'dma', 'nicswitch'],
  ['trace'],
  ['nic', 'host'],
  ['profiles'],
  ['drivers'],
  ['sim'],
  ['testing'],
  ['index.ts'],
  ['vfio-user'],
  ['cli'],
];

/** Sinks are attached from above: nothing that is modelled may know them. */
const ABOVE_TRACE = ['trace', 'sim', 'testing', 'index.ts', 'vfio-user', 'cli'];

/** Folders that run in Node only. */
const NODE_FOLDERS = ['vfio-user', 'cli'];

/** What the published package may depend on. */
export const RUNTIME_PACKAGES = ['denque', 'eventemitter3', 'pbf', 'seedrandom', 'typed-emitter', 'zod'];

/** What the command can do more with, where it is installed: loaded when it is asked for. */
const OPTIONAL_PACKAGES = ['echarts'];

export interface Import {
  specifier: string;
  line: number;
}

/** Every module that `file` names: imports, re-exports, dynamic imports and `import('...')` types. */
export function importsOf(file: SourceText): Import[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node | undefined) => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ specifier: node.text, line });
  };
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Imports that point up or sideways, folders that have no place in the order, and imports that leave src/. */
export function checkDirection(files: readonly SourceText[]): Violation[] {
  return files.flatMap((file) => {
    const from = folderOf(file.path);
    const fromLayer = layerOf(from);
    if (fromLayer < 0) {
      return [{ path: file.path, line: 1, rule: `src/${from} has no place in the order of folders` }];
    }
    return relativeImports(file).flatMap(({ target, line }) => {
      const to = folderOf(target);
      const rule = directionRule(from, fromLayer, to, target);
      return rule === undefined ? [] : [{ path: file.path, line, rule }];
    });
  });
}

function directionRule(from: string, fromLayer: number, to: string, target: string): string | undefined {
  if (!target.startsWith('src/')) return `src may not import ${target}`;
  if (from === to) return undefined;
  const toLayer = layerOf(to);
  if (toLayer < 0) return `src/${to} has no place in the order of folders`;
  if (toLayer === fromLayer) return `src/${from} and src/${to} may not import each other`;
  if (toLayer > fromLayer) return `src/${from} may not import src/${to}, which is above it`;
  if (to === 'trace' && !ABOVE_TRACE.includes(from)) return `nothing that is modelled imports src/trace`;
  return undefined;
}

/** Packages outside the list, and Node's modules where a browser must be able to follow. */
export function checkPackages(files: readonly SourceText[]): Violation[] {
  return files.flatMap((file) => {
    const inNode = NODE_FOLDERS.includes(folderOf(file.path));
    return importsOf(file).flatMap(({ specifier, line }) => {
      if (specifier.startsWith('.')) return [];
      if (specifier.startsWith('node:')) {
        return inNode ? [] : [{ path: file.path, line, rule: `'${specifier}' does not exist in a browser` }];
      }
      if (RUNTIME_PACKAGES.includes(packageOf(specifier))) return [];
      if (inNode && OPTIONAL_PACKAGES.includes(packageOf(specifier))) return [];
      return [{ path: file.path, line, rule: `'${specifier}' is not among the runtime dependencies` }];
    });
  });
}

/** Circles of imports between files, type imports included; each is reported once, at an import that closes it. */
export function checkCircles(files: readonly SourceText[]): Violation[] {
  const known = new Map(files.map((file) => [file.path, relativeImports(file)]));
  const violations: Violation[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string) => {
    trail.push(path);
    for (const { target, line } of known.get(path) ?? []) {
      const start = trail.indexOf(target);
      if (start >= 0) {
        const circle = [...trail.slice(start), target].join(' -> ');
        violations.push({ path, line, rule: `closes a circle of imports: ${circle}` });
      } else if (known.has(target) && !finished.has(target)) {
        visit(target);
      }
    }
    trail.pop();
    finished.add(path);
  };
  for (const path of known.keys()) if (!finished.has(path)) visit(path);
  return violations;
}

function relativeImports(file: SourceText): { target: string; line: number }[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({
      target: posix.join(posix.dirname(file.path), specifier),
      line,
    }));
}

/** `pcie` for src/pcie/capabilities/x.ts, `index.ts` for src/index.ts. */
function folderOf(path: string): string {
  return path.split('/')[1] ?? path;
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

/** `seedrandom` for `seedrandom/lib/xor128.js`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
