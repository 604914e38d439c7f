import type { SourceText } from '../tidy/project.ts';

/** A name that a document cites, with the file that it says the name is in. */
export interface Citation {
  name: string;
  /** From the project's root, or null where the document names none. */
  file: string | null;
}

const NAME = /^(?:[A-Z]\w*\.[a-z]\w*|[A-Z][a-z]\w*|[a-z]\w*[A-Z]\w*)$/;
/** Names of the language and its library. */
const BUILT_IN = ['ArrayBuffer', 'SharedArrayBuffer', 'RangeError', 'TypeError', 'Uint8Array', 'Math.random'];

/**
 * Names of code that a document cites in its prose: `Class.member`, `Class`, `someFunction`. In
 * `[file](link): \`a\`, \`b\`` and in `\`a\` ([file](link))` they belong to the linked file.
 */
export function citations(text: string): Citation[] {
  const link = /\[[^\]]+\]\((?:\.\.\/)?(src\/[\w./-]+)\)/.source;
  const spans = /((?:[\s,]*`[^`]+`)+)/.source;
  const found: Citation[] = [];
  const take = (pattern: RegExp, fileGroup: number, namesGroup: number) => {
    for (const match of text.matchAll(pattern)) {
      for (const [, name] of match[namesGroup].matchAll(/`([^`]+)`/g)) {
        if (NAME.test(name)) found.push({ name, file: match[fileGroup] });
      }
    }
  };
  take(new RegExp(`${link}(?::| \\|)${spans}`, 'g'), 1, 2);
  take(new RegExp(`(\`[^\`]+\`),?\\s+\\(?${link}`, 'g'), 2, 1);
  for (const [, name] of text.matchAll(/`([^`\n]+)`/g)) {
    if (NAME.test(name) && !BUILT_IN.includes(name)) found.push({ name, file: null });
  }
  return found;
}

/** Whether a cited name is declared, in the file that the document says or in any. */
export function isDeclared({ name, file }: Citation, sources: readonly SourceText[]): boolean {
  const [owner, member] = name.split('.');
  return sources
    .filter(({ path }) => file === null || path === file)
    .some(({ text }) => declares(text, owner) && (member === undefined || hasMember(text, member)));
}

function declares(text: string, name: string): boolean {
  return (
    new RegExp(`\\b(?:class|interface|function|const|type)\\*? ${name}\\b`).test(text) ||
    hasMember(text, name) ||
    // A reason for which frames are dropped.
    text.includes(`'${name}'`)
  );
}

/** A method, an accessor or a field. */
function hasMember(text: string, name: string): boolean {
  return new RegExp(
    `^ +(?:private |readonly |static |get |set |declare |\\*)*${name}\\??(?:[(<:;]| =)`,
    'm',
  ).test(text);
}
