import { dirname } from 'node:path';
import ts from 'typescript';
import { ROOT, type SourceText, type Violation } from './project.ts';

/**
 * What `index.ts` files export without a TSDoc comment, and what they export wholesale.
 *
 * @param files all of src, so that a re-export leads to where the comment is.
 */
export function checkDocs(files: readonly SourceText[]): Violation[] {
  const program = programOf(files);
  const checker = program.getTypeChecker();
  return files
    .filter(({ path }) => isIndex(path))
    .flatMap(({ path }) => {
      const source = program.getSourceFile(ROOT + path);
      if (source === undefined) throw new Error(`${path} is not in the program`);
      const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      const wholesale = source.statements
        .filter((statement) => ts.isExportDeclaration(statement) && statement.exportClause === undefined)
        .map((statement) => ({ path, line: lineOf(statement), rule: 'exports by name, not with *' }));
      const module = checker.getSymbolAtLocation(source);
      const bare = (module === undefined ? [] : checker.getExportsOfModule(module))
        .filter((symbol) => original(checker, symbol).getDocumentationComment(checker).length === 0)
        .map((symbol) => {
          const at = symbol.declarations?.find((node) => node.getSourceFile() === source);
          return {
            path,
            line: at === undefined ? 1 : lineOf(at),
            rule: `${symbol.name} has no TSDoc comment`,
          };
        });
      return [...wholesale, ...bare];
    });
}

/** Folders of src whose public side is not stated. */
export function checkIndexes(files: readonly SourceText[]): Violation[] {
  const paths = new Set(files.map(({ path }) => path));
  const folders = new Set(
    files.map(({ path }) => path.split('/')[1]).filter((name) => !name.endsWith('.ts')),
  );
  folders.delete('cli');
  return [...folders]
    .map((folder) => `src/${folder}/index.ts`)
    .filter((path) => !paths.has(path))
    .map((path) => ({ path, line: 1, rule: 'is missing: it says what the folder exports' }));
}

/** src/index.ts and src/<folder>/index.ts. */
function isIndex(path: string): boolean {
  return /^src\/([^/]+\/)?index\.ts$/.test(path);
}

function original(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

/** A program over these files alone: no library, no packages, nothing read from disk. */
function programOf(files: readonly SourceText[]): ts.Program {
  const texts = new Map(files.map(({ path, text }) => [ROOT + path, text]));
  const options: ts.CompilerOptions = {
    noLib: true,
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  const folders = new Set([...texts.keys()].map((path) => dirname(path)));
  return ts.createProgram([...texts.keys()], options, {
    getSourceFile(path, version) {
      const text = texts.get(path);
      return text === undefined ? undefined : ts.createSourceFile(path, text, version, true);
    },
    fileExists: (path) => texts.has(path),
    readFile: (path) => texts.get(path),
    directoryExists: (path) => folders.has(path),
    getDirectories: () => [],
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: () => 'lib.d.ts',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => {},
  });
}
