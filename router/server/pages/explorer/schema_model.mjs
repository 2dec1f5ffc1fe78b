// A schema as introspection describes it, with the lookups that completion and the reader need.

export const INTROSPECTION = `query IntrospectSchema {
  __schema {
    description
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason type { ...Type }
        args(includeDeprecated: true) { ...Argument }
      }
      inputFields(includeDeprecated: true) { ...Argument }
      interfaces { name }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
    }
    directives { name description locations args(includeDeprecated: true) { ...Argument } }
  }
}
fragment Argument on __InputValue { name description defaultValue isDeprecated deprecationReason type { ...Type } }
fragment Type on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }
}`;

const TYPENAME = {
  name: '__typename',
  description: 'The name of the type of this object.',
  args: [],
  type: { kind: 'NON_NULL', name: null, ofType: { kind: 'SCALAR', name: 'String', ofType: null } },
};
const COMPOSITE = new Set(['OBJECT', 'INTERFACE', 'UNION']);
const INPUT = new Set(['SCALAR', 'ENUM', 'INPUT_OBJECT']);

/** Return the name of a type without its list and non-null wrappers. */
export function namedType(type) {
  return type?.ofType ? namedType(type.ofType) : (type?.name ?? null);
}

/** Return a type as GraphQL writes it: `[User!]`. */
export function typeText(type) {
  if (!type) return '';
  if (type.kind === 'NON_NULL') return `${typeText(type.ofType)}!`;
  if (type.kind === 'LIST') return `[${typeText(type.ofType)}]`;
  return type.name;
}

export class Schema {
  constructor(introspection) {
    const schema = introspection.__schema;
    this.types = new Map(schema.types.map((type) => [type.name, type]));
    this.directives = schema.directives;
    this.roots = {
      query: schema.queryType?.name ?? null,
      mutation: schema.mutationType?.name ?? null,
      subscription: schema.subscriptionType?.name ?? null,
    };
  }

  type(name) {
    return this.types.get(name) ?? null;
  }

  isComposite(name) {
    return COMPOSITE.has(this.type(name)?.kind);
  }

  /** Return the fields that can be selected on a type, `__typename` last. */
  selectable(name) {
    const type = this.type(name);
    return type && COMPOSITE.has(type.kind) ? [...(type.fields ?? []), TYPENAME] : [];
  }

  field(typeName, fieldName) {
    return this.selectable(typeName).find((field) => field.name === fieldName) ?? null;
  }

  /** Return the names of the types that a fragment on an object of type `name` can have. */
  fragmentTypes(name) {
    const possible = new Set(this.objectTypes(name));
    const overlaps = (other) => this.objectTypes(other).some((each) => possible.has(each));
    return [...this.types.values()]
      .filter((type) => COMPOSITE.has(type.kind) && !type.name.startsWith('__') && overlaps(type.name))
      .map((type) => type.name);
  }

  objectTypes(name) {
    const type = this.type(name);
    if (!type) return [];
    return type.kind === 'OBJECT' ? [name] : (type.possibleTypes ?? []).map((each) => each.name);
  }

  inputTypes() {
    return [...this.types.values()].filter((type) => INPUT.has(type.kind) && !type.name.startsWith('__'));
  }

  /** Return the types and fields whose names contain `text`, at most `limit`: [{type, field}] (`field` can be null). */
  search(text, limit = 60) {
    const wanted = text.trim().toLowerCase();
    const found = [];
    if (!wanted) return found;
    const visible = [...this.types.values()].filter((type) => !type.name.startsWith('__'));
    for (const type of visible) {
      if (type.name.toLowerCase().includes(wanted)) found.push({ type, field: null });
    }
    for (const type of visible) {
      for (const field of type.fields ?? type.inputFields ?? []) {
        if (field.name.toLowerCase().includes(wanted)) found.push({ type, field });
      }
    }
    return found.slice(0, limit);
  }
}
