import { api, type Contact, sent } from "../client";
import { listQuery, type ListSearch } from "./lists";

export const contactsQuery = (search: ListSearch) =>
  listQuery<Contact>("contacts", search, (query, signal) =>
    sent(api.GET("/api/accounts/v1/contacts", { params: { query }, signal })),
  );
