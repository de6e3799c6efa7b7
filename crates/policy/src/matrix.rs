//! What every persona may really do, asked of Postgres, and held against the declaration and against what somebody reviewed.
//!
//! ```text
//! public.notes: user                         ada@Acme       ben@Acme       cleo@Globex
//!                                            S I U G T D    S I U G T D    S I U G T D
//!   nobody                                   ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
//!   ada, org:admin of Acme                   ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
//! ```
//!
//! A row of the table is a [persona](persona::Persona): claims as Clerk writes them, signed, verified, and in force as a request has
//! them. A column is a row of the database, named after its owner and organization, and what was tried on it: select, insert one like
//! it, update, **g**ive it away, **t**ake it for oneself, delete. Statements that change rows name none, so that only the policies
//! decide what they reach; what was reached is looked up by the owner afterwards.
//!
//! Three judges: the declaration (every cell is computed from the verified claims, and must agree), a rule that knows no policies
//! (nothing of another tenant is ever reached), and the reviewed file. A policy that lets no persona reach a row is dead: no Clerk
//! token satisfies it.
//!
//! Not handled: tables without a primary key (rows could not be told apart), and what triggers do outside of Postgres.

mod attempt;
mod custom;
mod expectation;
pub mod persona;
mod report;
mod run;
mod sample;
mod seed;
mod untried;
mod world;

pub use attempt::Action;
pub use report::{Finding, Matrix, drift};
pub use run::{MatrixError, run};
pub use seed::SeedError;
pub use untried::untried;
