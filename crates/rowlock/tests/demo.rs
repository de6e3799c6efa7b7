//! `rowlock demo`: the story, and the same as data.

use serde_json::Value;

use crate::support::{rowlock, told};

#[test]
fn the_story_is_short_and_every_step_holds() {
    let output = rowlock(&["demo"]).output().unwrap();
    let told = told(&output);
    assert!(told.starts_with("exit: 0"), "{told}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() <= 30, "{} lines\n{text}", text.lines().count());
    assert!(!text.contains('✗') && text.contains("All 15 steps held"), "{text}");
}

/// The README shows real output. What differs from run to run (numbers, ids) does not count.
#[test]
fn the_readme_shows_what_it_prints() {
    let readme = include_str!("../../../README.md");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let printed = String::from_utf8(rowlock(&["demo"]).output().unwrap().stdout).unwrap();
    for (shown, printed) in lasting(shown).lines().zip(lasting(printed.trim_end()).lines()) {
        assert_eq!(shown, printed);
    }
    assert_eq!(shown.lines().count(), printed.trim_end().lines().count());
}

/// Text without digits and the ids of instances.
fn lasting(text: &str) -> String {
    let word = |word: &str| match word.split_once("ins_") {
        Some((before, after)) => {
            format!("{before}ins_{}", after.trim_start_matches(|c: char| c.is_ascii_alphanumeric()))
        }
        None => word.replace(|c: char| c.is_ascii_digit(), ""),
    };
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn as_json_it_is_one_object_with_every_step() {
    let output = rowlock(&["demo", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(story["ok"], true);
    let names: Vec<&str> =
        story["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    insta::assert_snapshot!(names.join(" "), @"postgres-ready emulator-ready server-ready webhook-to-row members own-rows own-rows no-organization anonymous shuffled stays-deleted unsigned-webhook expired-token foreign-token template-token");
    assert!(story["steps"].as_array().unwrap().iter().all(|step| step["ok"] == true), "{story}");
}

#[test]
fn without_postgres_it_says_what_to_do() {
    let output = rowlock(&["demo", "--pg-bin", "/nonexistent"]).output().unwrap();
    insta::assert_snapshot!(told(&output), @"
    exit: 1
    --- stdout
    rowlock demo: Clerk held to Postgres, offline, with nothing but this machine

    --- stderr
    error: `/nonexistent` (from --pg-bin) cannot be used: it holds no `initdb`
    ");
}
