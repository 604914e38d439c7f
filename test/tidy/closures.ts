import ts from 'typescript';
import type { SourceText, Violation } from './project.ts';

/**
 * Variables of a function that functions within it set. Whoever looks at the fields of objects, as a snapshot does, does
 * not see them.
 */
export function checkClosures(files: readonly SourceText[]): Violation[] {
  return files.flatMap((file) => {
    const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
    const found: Violation[] = [];
    const visit = (node: ts.Node) => {
      const name = assigned(node);
      if (name !== undefined && isCaptured(name)) {
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
        found.push({ path: file.path, line, rule: `a closure sets ${name.text}` });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
}

/** The variable that an assignment, `++` or `--` sets. */
function assigned(node: ts.Node): ts.Identifier | undefined {
  let target: ts.Expression | undefined;
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment) target = node.left;
  } else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { operator } = node;
    if (operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken)
      target = node.operand;
  }
  return target !== undefined && ts.isIdentifier(target) ? target : undefined;
}

/** Whether the variable belongs to another function than the innermost one around it, or to the module. */
function isCaptured(name: ts.Identifier): boolean {
  for (let scope: ts.Node = name.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    if (declares(scope, name.text)) return false;
    if (ts.isFunctionLike(scope)) return true;
  }
  return true;
}

/** Whether a variable or parameter of this name is declared right in a scope. */
function declares(scope: ts.Node, name: string): boolean {
  if (ts.isFunctionLike(scope)) return scope.parameters.some((parameter) => binds(parameter.name, name));
  const inList = (list: ts.VariableDeclarationList) =>
    list.declarations.some((each) => binds(each.name, name));
  if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    const { initializer } = scope;
    return initializer !== undefined && ts.isVariableDeclarationList(initializer) && inList(initializer);
  }
  const statements = ts.isBlock(scope) || ts.isCaseOrDefaultClause(scope) ? scope.statements : [];
  return statements.some((each) => ts.isVariableStatement(each) && inList(each.declarationList));
}

function binds(pattern: ts.BindingName, name: string): boolean {
  if (ts.isIdentifier(pattern)) return pattern.text === name;
  return pattern.elements.some((each) => ts.isBindingElement(each) && binds(each.name, name));
}
