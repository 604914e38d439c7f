import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT, type SourceText } from '../tidy/project.ts';

/** Said when a generated part is not as it should be. */
export const HOW_TO_UPDATE = 'to rewrite it: npm run build && UPDATE_DOCS=1 npx vitest run test/docs';

/** What people read: the read-me, the documentation, and what lies beside data. */
export function readDocs(): SourceText[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CHANGELOG.md', ...docs.map((name) => `docs/${name}`), 'scenarios/captures/README.md']
    .filter((path) => existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** A code block with its language. */
export interface CodeBlock {
  language: string;
  code: string;
}

/** Fenced code blocks. */
export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }));
}

/** Text without code blocks. */
export function prose(text: string): string {
  return text.replace(/^```.*?^```$/gms, '').replace(/^ {4}.*$/gm, '');
}

/** Targets of links and pictures that are no addresses of other hosts. */
export function relativeLinks(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Whether a link from the file at `path` leads somewhere: to a file or folder, and to a heading in it. */
export function resolves(path: string, target: string): boolean {
  const [file, anchor] = target.split('#');
  const found = file === '' ? path : posix.join(posix.dirname(path), file);
  if (!existsSync(join(ROOT, found))) return false;
  return anchor === undefined || anchorsOf(readFileSync(join(ROOT, found), 'utf8')).includes(anchor);
}

/** Anchors of headings, as code hosts make them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Code spans of the prose. */
export function codeSpans(text: string): string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
}

/**
 * The part of a document between `<!-- begin NAME -->` and its end. With UPDATE_DOCS in the environment the document is
 * rewritten with `wanted` first.
 */
export function generatedPart(path: string, name: string, wanted: string): string {
  const file = join(ROOT, path);
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- begin ${name} -->\n`, `<!-- end ${name} -->`];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (to < from) throw new Error(`${path} has no ${begin.trim()} ... ${end}`);
  if (process.env['UPDATE_DOCS'] === undefined) return text.slice(from, to);
  writeFileSync(file, text.slice(0, from) + wanted + text.slice(to));
  return wanted;
}
