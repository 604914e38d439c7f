import ts from 'typescript';
import type { SourceText, Violation } from './project.ts';

/** Globals through which a run could depend on the day, the machine or the moment. */
const IMPURE_GLOBALS = [
  'Buffer',
  'Date',
  'FinalizationRegistry',
  'Intl',
  'WeakRef',
  'console',
  'crypto',
  'document',
  'fetch',
  'globalThis',
  'navigator',
  'performance',
  'process',
  'queueMicrotask',
  'require',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'window',
];

/** Members whose result depends on the language of the machine. */
const LOCALE_MEMBERS = /^(localeCompare|toLocale\w*)$/;

/**
 * Members of Math whose result ECMA-262 fixes to the bit, and sqrt, which every engine rounds correctly. Of the others
 * it asks for "an implementation-approximated value" only.
 */
const EXACT_MATH =
  /^(E|LN10|LN2|LOG10E|LOG2E|PI|SQRT1_2|SQRT2|abs|ceil|clz32|floor|fround|imul|max|min|pow|round|sign|sqrt|trunc)$/;

/** What would make two runs of one scenario differ, or differ between engines. */
export function checkPurity(file: SourceText): Violation[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  const own = declaredNames(source);
  const violations: Violation[] = [];
  const visit = (node: ts.Node) => {
    const rule = impurity(node, own);
    if (rule !== undefined) {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      violations.push({ path: file.path, line, rule });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return violations;
}

function impurity(node: ts.Node, own: ReadonlySet<string>): string | undefined {
  if (ts.isIdentifier(node) && IMPURE_GLOBALS.includes(node.text) && isFree(node) && !own.has(node.text)) {
    return `the model may not use ${node.text}`;
  }
  if (ts.isPropertyAccessExpression(node) && LOCALE_MEMBERS.test(node.name.text)) {
    return `${node.name.text} depends on the machine's language`;
  }
  if (ts.isIdentifier(node) && node.text === 'Math' && isFree(node)) return mathImpurity(node);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) {
    return powerImpurity(node.left, node.right);
  }
  return undefined;
}

function mathImpurity(math: ts.Identifier): string | undefined {
  const { parent } = math;
  if (!ts.isPropertyAccessExpression(parent)) return 'Math is used by the names of its members only';
  const name = parent.name.text;
  if (name === 'random') return 'random numbers come from a named stream, not from Math.random';
  if (!EXACT_MATH.test(name)) return `Math.${name} differs between engines`;
  if (name !== 'pow') return undefined;
  const call = parent.parent;
  if (!ts.isCallExpression(call) || call.arguments.length !== 2)
    return 'Math.pow is called with two arguments';
  return powerImpurity(call.arguments[0], call.arguments[1]);
}

/** Exact in every engine: a power of two with a whole exponent, whole literals, and powers of a BigInt literal. */
function powerImpurity(base: ts.Expression, exponent: ts.Expression): string | undefined {
  if (ts.isBigIntLiteral(base)) return undefined;
  const b = literalValue(base);
  const e = literalValue(exponent);
  if (b === 2 && (e === undefined || Number.isInteger(e))) return undefined;
  if (b !== undefined && e !== undefined && Number.isSafeInteger(b ** e) && e >= 0) return undefined;
  return 'a power that is neither of two nor made of small whole literals differs between engines';
}

function literalValue(node: ts.Expression): number | undefined {
  if (ts.isParenthesizedExpression(node)) return literalValue(node.expression);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = literalValue(node.operand);
    return value === undefined ? undefined : -value;
  }
  // As the compiler hands them out, literals have no separators and hexadecimal is decimal already.
  return ts.isNumericLiteral(node) ? Number(node.text) : undefined;
}

/** Whether the identifier names a variable, not a member or a key. */
function isFree(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return !(ts.isClassElement(parent) || ts.isTypeElement(parent)) || parent.name !== node;
}

/** Names that the file declares itself: a parameter called `window` is no browser's. */
function declaredNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node) => {
    if (
      (ts.isVariableDeclaration(node) ||
        ts.isParameter(node) ||
        ts.isBindingElement(node) ||
        ts.isFunctionDeclaration(node) ||
        ts.isImportSpecifier(node)) &&
      node.name !== undefined &&
      ts.isIdentifier(node.name)
    ) {
      names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}
