import { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { ApiError, asApiError } from "./api/errors";
import { accountsQuery } from "./api/queries/accounts";
import { metaQuery } from "./api/queries/meta";
import { sessionQuery } from "./api/queries/session";
import { safeReturn } from "./auth/session";
import { showProfileLanguage } from "./i18n";
import { readListSearch } from "./meta/search";
import { Broken, Missing } from "./shell/Missing";
import { Shell } from "./shell/Shell";

const FRESH = 15_000;

/** What the caller did wrong stays wrong; only an answer that did not come is asked for again. */
function isWorthARetry(failures: number, error: unknown): boolean {
  const status = error instanceof ApiError ? error.status : 0;
  return failures < 2 && (status === 0 || status >= 502);
}

export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: isWorthARetry, staleTime: FRESH }, mutations: { retry: false } },
});

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: Missing,
  errorComponent: Broken,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (raw: Record<string, unknown>): { to?: string } => (raw.to ? { to: safeReturn(raw.to) } : {}),
  component: lazyRouteComponent(() => import("./auth/SignIn")),
});

/** Nobody sees a page of the shell without a session; whoever has to sign in comes back to where they wanted to go. */
const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: Shell,
  errorComponent: Broken,
  beforeLoad: async ({ context, location }) => {
    try {
      const session = await context.queryClient.ensureQueryData(sessionQuery);
      await showProfileLanguage(session.user.locale);
    } catch (error) {
      if (asApiError(error).status !== 401) throw error;
      throw redirect({ to: "/sign-in", search: { to: location.href } });
    }
  },
});

const home = createRoute({ getParentRoute: () => app, path: "/", component: lazyRouteComponent(() => import("./features/home/Home")) });

const accounts = createRoute({
  getParentRoute: () => app,
  path: "/accounts",
  validateSearch: readListSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context, deps }) => {
    void context.queryClient.prefetchQuery(metaQuery("accounts"));
    void context.queryClient.prefetchInfiniteQuery(accountsQuery(deps));
  },
  component: lazyRouteComponent(() => import("./features/accounts/List")),
});

const accountNew = createRoute({ getParentRoute: () => app, path: "/accounts/new", component: lazyRouteComponent(() => import("./features/accounts/New")) });

const account = createRoute({ getParentRoute: () => app, path: "/accounts/$accountId", component: lazyRouteComponent(() => import("./features/accounts/Record")) });

const contacts = createRoute({ getParentRoute: () => app, path: "/contacts", validateSearch: readListSearch, component: lazyRouteComponent(() => import("./features/contacts/List")) });

const leads = createRoute({ getParentRoute: () => app, path: "/leads", validateSearch: readListSearch, component: lazyRouteComponent(() => import("./features/leads/List")) });

const duplicates = createRoute({ getParentRoute: () => app, path: "/duplicates", component: lazyRouteComponent(() => import("./features/duplicates/Queue")) });

const imports = createRoute({
  getParentRoute: () => app,
  path: "/import",
  validateSearch: (raw: Record<string, unknown>): { id?: string } => (typeof raw.id === "string" ? { id: raw.id } : {}),
  component: lazyRouteComponent(() => import("./features/imports/Import")),
});

export const router = createRouter({
  routeTree: root.addChildren([signIn, app.addChildren([home, accounts, accountNew, account, contacts, leads, duplicates, imports])]),
  context: { queryClient },
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultNotFoundComponent: Missing,
  defaultErrorComponent: Broken,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
