// What the console uses of the vendored `htm/preact` 3.1.1.

type Setter<T> = (value: T | ((before: T) => T)) => void;

export function html(strings: TemplateStringsArray, ...values: unknown[]): any;
export function render(tree: unknown, into: Element): void;
export function useState<T = any>(initial?: T | (() => T)): [T, Setter<T>];
export function useEffect(act: () => void | (() => void), dependencies?: unknown[]): void;
export function useLayoutEffect(act: () => void | (() => void), dependencies?: unknown[]): void;
export function useRef<T = any>(initial?: T): { current: T };
export function useMemo<T>(make: () => T, dependencies: unknown[]): T;
export function useCallback<T>(act: T, dependencies: unknown[]): T;
